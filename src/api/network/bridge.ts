import { readFileSync } from "node:fs";
import { LaunchError } from "../../core/errors.js";
import { findProgram } from "../../helper/find-program.js";
import type { Subnet } from "../../launch/network/addresses.js";
import { bridgeName, bridgePlan, type BridgeTools } from "../../launch/network/bridge.js";
import { defaultRoute, freeSubnet, readRoutes, type Route } from "../../launch/network/routes.js";
import type { Context } from "../context.js";

const forwarding = "/proc/sys/net/ipv4/ip_forward";
const ethernetMtu = 1500;

/** @throws LaunchError NO_NETWORK where one of them is not installed */
export function bridgeTools(): BridgeTools {
  return { ip: requireProgram("ip", "iproute2"), nft: requireProgram("nft", "nftables") };
}

function requireProgram(name: string, debianPackage: string): string {
  const path = findProgram(name);
  if (path !== undefined) return path;
  throw new LaunchError("NO_NETWORK", `network: bridge: ${name} is not installed`, {
    hint: `install ${debianPackage}, or use --network none or host`,
  });
}

export interface Bridge {
  readonly subnet: Subnet;
  /** Of the way out, so that nothing is sent that has to be cut there. */
  readonly mtu: number;
}

/** Makes what all containers share where it is not there yet. @throws LaunchError NO_NETWORK, HELPER_FAILED */
export async function ensureBridge(context: Context, tools: BridgeTools): Promise<Bridge> {
  const routes = readRoutes();
  const mtu = mtuOf(defaultRoute(routes));
  const subnet = bridgeSubnet(routes);
  if (subnet !== undefined && readText(forwarding).trim() === "1") return { subnet, mtu };
  const chosen = subnet ?? freeSubnet(routes);
  if (chosen === undefined) {
    throw new LaunchError(
      "NO_NETWORK",
      "network: bridge: every network it could have is in use (10.80 to 10.87)",
    );
  }
  const plan = [...bridgePlan(tools, chosen), { kind: "write", path: forwarding, data: "1" } as const];
  await (await context.helper()).run(plan, { signal: context.signal });
  return { subnet: bridgeSubnet(readRoutes()) ?? chosen, mtu };
}

function bridgeSubnet(routes: readonly Route[]): Subnet | undefined {
  const route = routes.find(({ device, prefix }) => device === bridgeName && prefix > 0);
  return route === undefined ? undefined : { base: route.base, prefix: route.prefix };
}

function mtuOf(route: Route | undefined): number {
  const mtu = route === undefined ? NaN : Number(readText(`/sys/class/net/${route.device}/mtu`));
  return mtu >= 576 && mtu < ethernetMtu ? mtu : ethernetMtu;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
