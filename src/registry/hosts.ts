import { BlockList, isIP } from "node:net";

/** Docker Hub's API is not at `docker.io`: that host only redirects browsers. */
const hubApiHost = "registry-1.docker.io";

/** Host and port the registry's API answers on, for the registry of a reference. */
export function apiHost(registry: string): string {
  return registry === "docker.io" ? hubApiHost : registry;
}

/** The command that stores credentials for a registry, given its name or its API host. */
export function loginCommand(host: string): string {
  return apiHost(host) === hubApiHost ? "`pullrun login`" : `\`pullrun login ${host}\``;
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8);
loopback.addAddress("::1", "ipv6");

// Addresses no public registry has a reason to send us to. 169.254.169.254 and 100.100.100.200 hand out cloud
// credentials. IPv4-mapped IPv6 is matched against the IPv4 rules by BlockList itself.
const privateRanges = new BlockList();
privateRanges.addSubnet("0.0.0.0", 8);
privateRanges.addSubnet("10.0.0.0", 8);
privateRanges.addSubnet("100.64.0.0", 10);
privateRanges.addSubnet("169.254.0.0", 16);
privateRanges.addSubnet("172.16.0.0", 12);
privateRanges.addSubnet("192.168.0.0", 16);
privateRanges.addAddress("::", "ipv6");
privateRanges.addSubnet("64:ff9b::", 96, "ipv6");
privateRanges.addSubnet("fc00::", 7, "ipv6");
privateRanges.addSubnet("fe80::", 10, "ipv6");

// Never anybody's registry, wherever we are: the addresses of clouds' metadata services, and of nothing at all.
const linkLocal = new BlockList();
linkLocal.addSubnet("0.0.0.0", 8);
linkLocal.addSubnet("169.254.0.0", 16);
linkLocal.addAddress("100.100.100.200");
linkLocal.addAddress("::", "ipv6");
linkLocal.addSubnet("fe80::", 10, "ipv6");
linkLocal.addAddress("fd00:ec2::254", "ipv6");

/** How far away an address is. */
export type Reach = "loopback" | "link" | "private" | "public";

/** `address` as a lookup gives it: no brackets. One that NAT64 has made of an IPv4 address is as far away as that. */
export function reachOf(address: string): Reach {
  const nat64 = /^64:ff9b::(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})$/i.exec(address);
  if (nat64 !== null) {
    const [high, low] = [nat64[1] ?? "0", nat64[2] ?? "0"].map((group) => Number.parseInt(group, 16));
    return reachOf(ipv4Of((high ?? 0) * 0x10000 + (low ?? 0)));
  }
  if (isListed(loopback, address)) return "loopback";
  if (isListed(linkLocal, address)) return "link";
  return isListed(privateRanges, address) ? "private" : "public";
}

function ipv4Of(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join(".");
}

/** True for `localhost`, names below it (RFC 6761 section 6.3), 127.0.0.0/8 and ::1. `hostname` as in URL.hostname. */
export function isLoopbackHost(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, "");
  return name === "localhost" || name.endsWith(".localhost") || isListed(loopback, name);
}

/** True for loopback hosts and for literal private, link-local and unspecified addresses. Names are not looked up here. */
export function isPrivateHost(hostname: string): boolean {
  return isLoopbackHost(hostname) || isListed(privateRanges, hostname);
}

/**
 * Whether the registry at `registry` may send us to `target`. A public registry must not aim us at our own machine or
 * network (CVE-2020-15157 and kin); one that runs on this machine may name another port of it. Where a name leads is seen
 * when it is connected to: guarded-lookup.ts.
 */
export function mayBeSentTo(target: URL, registry: URL): boolean {
  if (!isPrivateHost(target.hostname) || target.hostname === registry.hostname) return true;
  return isLoopbackHost(target.hostname) && isLoopbackHost(registry.hostname);
}

function isListed(list: BlockList, hostname: string): boolean {
  const address = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 6 ? "ipv6" : "ipv4");
}
