import { accessSync, constants } from "node:fs";
import { LaunchError } from "../../core/errors.js";
import type { ImageConfig } from "../../core/image-config.js";
import { findProgram } from "../../helper/find-program.js";
import type { Privilege } from "../../helper/privilege.js";
import { parseExposed, parsePublished } from "../../launch/network/ports.js";
import { needsForwarder } from "../../launch/network/resolv-conf.js";
import { defaultRoute, readRoutes } from "../../launch/network/routes.js";
import { badValue } from "../../launch/options/bad-value.js";
import { joinedContainer, type NetworkMode } from "../../launch/options/network.js";
import type { RunOptions } from "../../launch/run-options.js";
import type { Context } from "../context.js";
import { bridgeTools, ensureBridge } from "./bridge.js";
import { readResolvConf } from "./name-files.js";

/**
 * The options with what is left open decided: which network, and the ports `publishAll` stands for.
 * @throws LaunchError NO_NETWORK; UsageError BAD_VALUE
 */
export async function resolveNetwork(
  context: Context,
  options: RunOptions,
  image: ImageConfig,
): Promise<RunOptions> {
  const network = await decideMode(context, options);
  const { publishAll, ...rest } = options;
  const publish = [...(options.publish ?? []), ...(publishAll === true ? allPorts(options, image) : [])];
  if ((network === "host" || network === "none") && publish.length > 0) {
    context.emit({ type: "warning", message: `--publish has no effect with --network ${network}` });
    return { ...rest, network, publish: [] };
  }
  return { ...rest, network, ...(publish.length > 0 ? { publish } : {}) };
}

async function decideMode(context: Context, options: RunOptions): Promise<NetworkMode> {
  if (options.network === "default") return bestNetwork(context, options);
  // It becomes nobody then, who may not enter the container's namespaces.
  if (options.network === "pasta" && (await context.privilege()).kind === "root")
    throw badValue("--network", "pasta as root", "bridge, slirp4netns, none or host");
  if (joinedContainer(options.network) === undefined) return options.network;
  return (await import("./joined.js")).resolveJoined(context, options.network);
}

/** Exposed ports that `--publish` does not name, each for any port of the host. */
function allPorts({ publish = [], expose = [] }: RunOptions, image: ImageConfig): string[] {
  const named = publish.flatMap(parsePublished);
  const exposed = [...image.process.exposedPorts, ...expose].flatMap(parseExposed);
  const words = exposed
    .filter(
      ({ protocol, port }) => !named.some((one) => one.protocol === protocol && one.containerPort === port),
    )
    .map(({ protocol, port }) => `${port}/${protocol}`);
  return [...new Set(words)];
}

async function bestNetwork(context: Context, options: RunOptions): Promise<NetworkMode> {
  if (options.isolation === "chroot") return "host";
  const privilege = await context.privilege();
  try {
    return privilege.kind === "root" ? await tryBridge(context) : userNetwork(privilege, options);
  } catch (error) {
    if (!(error instanceof LaunchError) || needsMore(options)) throw error;
    const hint = error.hint === undefined ? "" : `; ${error.hint}`;
    context.emit({ type: "warning", message: `${error.message}: the container has no network${hint}` });
    return "none";
  }
}

/** What a container without a network could not have. */
function needsMore({ publish = [], publishAll, ip, macAddress }: RunOptions): boolean {
  return publish.length > 0 || publishAll === true || ip !== undefined || macAddress !== undefined;
}

async function tryBridge(context: Context): Promise<NetworkMode> {
  await ensureBridge(context, bridgeTools());
  return "bridge";
}

const tunDevice = "/dev/net/tun";

/** pasta is faster but needs a machine with a way out. @throws LaunchError NO_NETWORK */
function userNetwork(privilege: Privilege, options: RunOptions): NetworkMode {
  if (privilege.kind === "confined") return "none";
  if (!isUsable(tunDevice)) {
    throw new LaunchError("NO_NETWORK", `network: ${tunDevice}: not there, or not for this user`, {
      hint: "chmod 666 /dev/net/tun, run with sudo, or say --network none",
    });
  }
  const slirp = findProgram("slirp4netns") !== undefined;
  if (findProgram("pasta") !== undefined && !(slirp && asksLoopback(options)) && hasWayOut()) return "pasta";
  if (slirp) return "slirp4netns";
  throw new LaunchError("NO_NETWORK", "network: neither pasta nor slirp4netns is usable", {
    hint: "install passt or slirp4netns, or say --network none",
  });
}

function hasWayOut(): boolean {
  return defaultRoute(readRoutes()) !== undefined;
}

/**
 * pasta of 2023 (Debian 12) forwards UDP alone to the host's loopback, so answers too long for it are lost, and takes them
 * from no other address than the one it asked, which a server that listens at all of them may not use. Both tried.
 */
function asksLoopback({ dns = [] }: RunOptions): boolean {
  const { host, behindResolved } = readResolvConf();
  return dns.length === 0 && needsForwarder(host, behindResolved);
}

function isUsable(device: string): boolean {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
