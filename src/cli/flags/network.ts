import type { NetworkMode, NetworkOptions } from "../../launch/options/network.js";
import type { FlagSpec, Invocation } from "../command.js";
import { given, nonEmpty } from "./given.js";

export const networkFlags: readonly FlagSpec[] = [
  { flags: "-h, --hostname <name>", description: "host name in the container" },
  { flags: "--domainname <name>", description: "domain name in the container" },
  {
    flags: "--network <mode>",
    description:
      "none, host, bridge, pasta, slirp4netns, container:NAME or ns:PATH; else the best that works",
  },
  { flags: "--net <mode>", description: "the same as --network" },
  {
    flags: "-p, --publish <ports>",
    description: "publish ports: [[IP:][HOSTPORT]:]PORT[/udp], or ranges of them",
    repeat: true,
  },
  { flags: "-P, --publish-all", description: "publish every exposed port at a free port of the host" },
  { flags: "--expose <port>", description: "expose a port or a range of them", repeat: true },
  { flags: "--dns <ip>", description: "name server to use", repeat: true },
  { flags: "--dns-search <domain>", description: "domain to search names in; . for none", repeat: true },
  { flags: "--dns-option <option>", description: "option for resolv.conf", repeat: true },
  { flags: "--dns-opt <option>", description: "the same as --dns-option", repeat: true },
  {
    flags: "--add-host <name:ip>",
    description: "line for /etc/hosts; NAME:host-gateway is this machine",
    repeat: true,
  },
  { flags: "--ip <address>", description: "IPv4 address on the bridge" },
  { flags: "--mac-address <address>", description: "MAC address on the bridge" },
  { flags: "--network-alias <name>", description: "further name for other containers", repeat: true },
  { flags: "--net-alias <name>", description: "the same as --network-alias", repeat: true },
];

/** Given by lists that may be empty, and left out if they are: then the parts they need are never loaded. */
const lists = {
  publish: ["publish"],
  expose: ["expose"],
  dns: ["dns"],
  dnsSearch: ["dns-search"],
  dnsOptions: ["dns-option", "dns-opt"],
  addHosts: ["add-host"],
  networkAliases: ["network-alias", "net-alias"],
} as const;

export function networkOptionsOf({ flags, env }: Invocation): NetworkOptions {
  const chosen = nonEmpty(flags, "network") ?? nonEmpty(flags, "net") ?? env.defaultNetwork ?? "default";
  const named = Object.entries(lists).map(
    ([key, names]) => [key, names.flatMap((name) => flags.list(name))] as const,
  );
  return {
    // What it may be is checked where it is used, for the library's callers too.
    network: chosen as NetworkMode,
    ...given("hostname", nonEmpty(flags, "hostname")),
    ...given("domainname", nonEmpty(flags, "domainname")),
    ...given("ip", nonEmpty(flags, "ip")),
    ...given("macAddress", nonEmpty(flags, "mac-address")),
    ...(flags.on("publish-all") ? { publishAll: true } : {}),
    ...Object.fromEntries(named.filter(([, values]) => values.length > 0)),
  };
}
