import { LaunchError } from "../../core/errors.js";
import { shortId } from "../../launch/container-id.js";
import { gatewayOf, macOf } from "../../launch/network/addresses.js";
import { bridgeSteps, type BridgeTools } from "../../launch/network/bridge.js";
import { refuseIPv6 } from "../../launch/network/details.js";
import { pickPorts, readPortUse } from "../../launch/network/free-ports.js";
import { dropLease, leaseDirectory, leaseFile, takeLease, type Lease } from "../../launch/network/leases.js";
import { parsePublished, type PublishedPort } from "../../launch/network/ports.js";
import type { NetworkSteps } from "../../launch/network/steps.js";
import type { Launch } from "../containers/launch.js";
import { bootId, startTime } from "../containers/process.js";
import type { Context } from "../context.js";
import type { Attachment } from "./attach.js";
import { bridgeTools, ensureBridge, type Bridge } from "./bridge.js";
import { announce, neighboursOf } from "./neighbours.js";
import { sweepLeases } from "./sweep.js";

/** A lease of an address, ports, and the names of the others. @throws LaunchError NO_NETWORK, UsageError BAD_VALUE */
export async function attachBridge(context: Context, launch: Launch): Promise<Attachment> {
  await requireRoot(context);
  const tools = bridgeTools();
  const bridge = await ensureBridge(context, tools);
  const others = await sweepLeases(context, tools);
  const lease = await leaseFor(launch, bridge, others);
  try {
    const everyone = await announce([...others, lease], lease);
    return attachment({ launch, tools, bridge, lease, everyone });
  } catch (error) {
    await dropLease(leaseDirectory, lease.address);
    throw error;
  }
}

async function requireRoot(context: Context): Promise<void> {
  if ((await context.privilege()).kind === "root") return;
  throw new LaunchError("NO_NETWORK", "network: bridge: not for an ordinary user (expected root)", {
    hint: "run with sudo, or leave out --network bridge: pasta and slirp4netns need no root",
  });
}

async function leaseFor(
  { state, directory, spec }: Launch,
  { subnet }: Bridge,
  others: readonly Lease[],
): Promise<Lease> {
  const { options, id } = state;
  const names = [
    ...(state.name === undefined ? [] : [state.name]),
    spec.hostname ?? "",
    shortId(id),
    ...(options.networkAliases ?? []),
  ];
  const boot = await bootId();
  const owner = { pid: process.pid, start: (await startTime(process.pid)) ?? "" };
  const ports = portsOf(options.publish ?? []);
  return takeLease(leaseDirectory, {
    subnet,
    wanted: options.ip,
    taken: new Set(others.map(({ address }) => address)),
    make: (address) => ({
      address,
      mac: options.macAddress?.toLowerCase() ?? macOf(address),
      ports,
      containerId: id,
      directory,
      names: [...new Set(names)].filter((name) => name !== ""),
      boot,
      owner,
    }),
  });
}

function portsOf(publish: readonly string[]): PublishedPort[] {
  const ports = publish.flatMap(parsePublished);
  for (const { hostIp } of ports) refuseIPv6(hostIp);
  return ports.length === 0 ? [] : pickPorts(ports, readPortUse());
}

interface Placed {
  readonly launch: Launch;
  readonly tools: BridgeTools;
  readonly bridge: Bridge;
  readonly lease: Lease;
  readonly everyone: readonly Lease[];
}

function attachment({ launch, tools, bridge, lease, everyone }: Placed): Attachment {
  const { subnet, mtu } = bridge;
  const { address, mac, ports } = lease;
  const gateway = gatewayOf(subnet);
  const steps = bridgeSteps({
    containerId: lease.containerId,
    tools,
    subnet,
    mtu,
    endpoint: { address, mac, ports },
    everyone,
  });
  return {
    steps: { ...steps, cleanup: [...steps.cleanup, ...givingBack(launch, lease)] },
    network: { address, prefix: subnet.prefix, gateway, mac },
    ports,
    address,
    hostGateway: gateway,
    neighbours: neighboursOf(everyone, address),
  };
}

/** One that is started again keeps its address until its supervisor is gone; then others take it away: see sweep.ts. */
function givingBack({ state }: Launch, { address }: Lease): NetworkSteps["cleanup"] {
  if (state.restart.name !== "no") return [];
  return [{ kind: "remove-tree", path: leaseFile(leaseDirectory, address) }];
}
