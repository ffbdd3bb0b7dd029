import { isIP, isIPv4 } from "node:net";
import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import { badValue } from "../options/bad-value.js";
import type { NetworkOptions } from "../options/network.js";
import { parseAddHost } from "./add-hosts.js";
import { parseExposed, parsePublished } from "./ports.js";
import { checkDomain } from "./resolv-conf.js";

const aliasPattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,63})$/;
const macPattern = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;

/** What checkNetworkOptions leaves: values few runs have. @throws UsageError BAD_VALUE */
export function checkNetworkDetails(options: NetworkOptions): void {
  const { publish = [], expose = [], dns = [], dnsSearch = [], addHosts = [] } = options;
  for (const text of publish) parsePublished(text);
  for (const text of expose) parseExposed(text);
  for (const entry of addHosts) parseAddHost(entry, "192.0.2.1");
  for (const domain of dnsSearch) checkDomain("--dns-search", domain);
  const server = dns.find((address) => isIP(address) === 0);
  if (server !== undefined) throw badValue("--dns", printable(server, 80), "an IP address");
  checkDnsOptions(options);
  checkInterface(options);
}

function checkDnsOptions({ dnsOptions = [] }: NetworkOptions): void {
  const wrong = dnsOptions.find((option) => !/^[\w:.-]+$/.test(option));
  if (wrong !== undefined) throw badValue("--dns-option", printable(wrong, 80), "one of resolv.conf(5)");
}

function checkInterface({ ip, macAddress, networkAliases = [] }: NetworkOptions): void {
  if (ip !== undefined && !isIPv4(ip)) throw badValue("--ip", printable(ip, 80), "an IPv4 address");
  // Bit 0 of the first byte: a group's address, which no interface can have.
  const group = macAddress !== undefined && (parseInt(macAddress.slice(0, 2), 16) & 1) === 1;
  if (macAddress !== undefined && (!macPattern.test(macAddress) || group))
    throw badValue("--mac-address", printable(macAddress, 80), "six bytes such as 02:42:ac:11:00:02");
  const alias = networkAliases.find((name) => !aliasPattern.test(name));
  if (alias !== undefined) throw badValue("--network-alias", printable(alias, 80), "a host name");
}

/** A host's name in `publish` would be looked up by docker's client; the plan takes addresses only. */
export function refuseIPv6(hostIp: string): void {
  if (!hostIp.includes(":")) return;
  throw new UsageError(
    "BAD_FLAG",
    `--publish: ${hostIp}: the bridge has IPv4 only (expected an IPv4 address)`,
    {
      hint: "leave the address out to publish at all IPv4 addresses",
    },
  );
}
