import type { PlanStep } from "../../helper/plan.js";
import { gatewayOf, macOf, type Subnet } from "./addresses.js";
import { accept, createTable, dropPorts, probe } from "./firewall.js";
import { reservePorts } from "./reserve.js";
import type { PublishedPort } from "./ports.js";
import type { NetworkSteps } from "./steps.js";

export const bridgeName = "pullrun0";
/** The container's end of its veth. */
const interfaceName = "eth0";

/** Absolute paths. */
export interface BridgeTools {
  readonly ip: string;
  readonly nft: string;
}

/** What a container on the bridge is there. */
export interface Endpoint {
  readonly address: string;
  readonly mac: string;
  /** Every `hostPort` decided. */
  readonly ports: readonly PublishedPort[];
}

export interface BridgeInput {
  readonly containerId: string;
  readonly tools: BridgeTools;
  readonly subnet: Subnet;
  readonly mtu: number;
  readonly endpoint: Endpoint;
  /** Of all containers on the bridge, this one too: for a table that somebody has flushed. */
  readonly everyone: readonly Endpoint[];
}

/** A veth from the bridge into the container, named so that a table of interfaces tells whose it is. */
export function bridgeSteps(input: BridgeInput): NetworkSteps {
  const { tools, subnet, endpoint } = input;
  const add = accept([endpoint]);
  const nft = (script: string, otherwise: string): PlanStep => ({
    kind: "program",
    input: script,
    otherwise,
    argv: [tools.nft, "-f", "-"],
  });
  return {
    host: reservePorts(endpoint.ports, { hold: true }),
    child: [
      // Only link-local addresses would come of it, and one more way to reach the neighbours.
      { kind: "sysctl", key: `net/ipv6/conf/${interfaceName}/disable_ipv6`, value: "1", optional: true },
      {
        kind: "interface",
        name: interfaceName,
        address: endpoint.address,
        prefix: subnet.prefix,
        gateway: gatewayOf(subnet),
      },
    ],
    created: [
      { kind: "program", input: vethScript(input), otherwise: "", argv: [tools.ip, "-batch", "-"] },
      nft(add === "" ? probe : add, createTable(bridgeName, subnet) + accept(input.everyone)),
    ],
    // The veth goes with the container's network namespace.
    // Where the start failed before they were published, or somebody flushed the table, there is nothing to drop.
    cleanup: endpoint.ports.length === 0 ? [] : [nft(dropPorts(endpoint), "list tables\n")],
  };
}

function vethScript({ containerId, mtu, endpoint }: BridgeInput): string {
  const name = `pr${containerId.slice(0, 12)}`;
  const add = `link add name ${name} mtu ${mtu} master ${bridgeName} up type veth`;
  const peer = `peer name ${interfaceName} address ${endpoint.mac} mtu ${mtu} netns {pid}`;
  // Where br_netfilter is loaded, what a container sends to its own published port turns round in the bridge.
  return `${add} ${peer}\nlink set dev ${name} type bridge_slave hairpin on\n`;
}

/** What makes the bridge: nothing of it is any container's, and it stays. */
export function bridgePlan(tools: BridgeTools, subnet: Subnet): PlanStep[] {
  const address = `${gatewayOf(subnet)}/${subnet.prefix} brd +`;
  // Without an address of its own it would take that of whichever container it has, and change it with them.
  const create = `link add name ${bridgeName} address ${macOf(gatewayOf(subnet))} type bridge\n`;
  const finish = `address replace ${address} dev ${bridgeName}\nlink set dev ${bridgeName} up\n`;
  const setting = (key: string, data: string): PlanStep => ({
    kind: "write",
    path: `/proc/sys/net/${key}`,
    data,
  });
  return [
    {
      kind: "program",
      input: create,
      // Another run may just have made it.
      otherwise: `link show dev ${bridgeName}\n`,
      argv: [tools.ip, "-batch", "-"],
    },
    // CVE-2020-10749: a container could send router advertisements, and the host would believe them.
    { ...setting(`ipv6/conf/${bridgeName}/disable_ipv6`, "1"), optional: true },
    { kind: "program", input: finish, otherwise: "", argv: [tools.ip, "-batch", "-"] },
    // A published port at 127.0.0.1: replies to it come from the bridge; firewall.ts keeps everything else away.
    setting(`ipv4/conf/${bridgeName}/route_localnet`, "1"),
    {
      kind: "program",
      input: createTable(bridgeName, subnet),
      otherwise: probe,
      argv: [tools.nft, "-f", "-"],
    },
  ];
}
