import { formatSubnet, type Subnet } from "./addresses.js";
import type { Endpoint } from "./bridge.js";
import { anyAddress, type PublishedPort } from "./ports.js";

/**
 * nft scripts for our one table. Rules are there once, for all containers; a published port is an element of a map, so
 * starting a container adds elements (3 ms) and never touches a rule (16 ms: the kernel waits for its readers).
 */
const table = "inet pullrun";

/** Fails where the table is not there. */
export const probe = `list chain ${table} guard\n`;

/**
 * Fails, and changes nothing, where the table is there. In the forward chain nothing is accepted for good: `accept` ends
 * only our own chain, so that whatever else the host drops stays dropped.
 */
export function createTable(bridge: string, subnet: Subnet): string {
  const net = formatSubnet(subnet);
  return `create table ${table}
add map ${table} ports { type inet_proto . inet_service : ipv4_addr . inet_service; }
add map ${table} addressed { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
add chain ${table} publish
add rule ${table} publish dnat ip to ip daddr . meta l4proto . th dport map @addressed
add rule ${table} publish dnat ip to meta l4proto . th dport map @ports
add chain ${table} guard { type filter hook prerouting priority raw; }
add rule ${table} guard iifname ${bridge} ip daddr 127.0.0.0/8 drop
add chain ${table} prerouting { type nat hook prerouting priority dstnat; }
add rule ${table} prerouting fib daddr type local jump publish
add chain ${table} output { type nat hook output priority -100; }
add rule ${table} output fib daddr type local jump publish
add chain ${table} postrouting { type nat hook postrouting priority srcnat; }
add rule ${table} postrouting ip saddr ${net} ip daddr != ${net} masquerade
add rule ${table} postrouting ip saddr { 127.0.0.0/8, ${net} } oifname ${bridge} ct status dnat masquerade
add chain ${table} forward { type filter hook forward priority filter; }
add rule ${table} forward oifname ${bridge} ct state established,related accept
add rule ${table} forward oifname ${bridge} ct state invalid drop
add rule ${table} forward oifname ${bridge} iifname != ${bridge} ct status ! dnat drop
`;
}

/** Adds what is published. "" where nothing is. */
export function accept(endpoints: readonly Endpoint[]): string {
  return endpoints
    .flatMap(({ address, ports }) =>
      ports.map((port) => elementLine("add", port, ` : ${address} . ${port.containerPort}`)),
    )
    .join("");
}

/** In one transaction: all of them are there. */
export function dropPorts({ ports }: Pick<Endpoint, "ports">): string {
  return ports.map((port) => elementLine("delete", port, "")).join("");
}

function elementLine(verb: "add" | "delete", port: PublishedPort, value: string): string {
  const { protocol, hostIp, hostPort } = port;
  const key = `${protocol} . ${hostPort}`;
  return hostIp === anyAddress
    ? `${verb} element ${table} ports { ${key}${value} }\n`
    : `${verb} element ${table} addressed { ${hostIp} . ${key}${value} }\n`;
}
