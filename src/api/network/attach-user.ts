import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { LaunchError, UsageError } from "../../core/errors.js";
import { findProgram } from "../../helper/find-program.js";
import { pickPorts, readPortUse } from "../../launch/network/free-ports.js";
import { pastaSteps, userAddress } from "../../launch/network/pasta.js";
import { parsePublished, type PublishedPort } from "../../launch/network/ports.js";
import { needsForwarder } from "../../launch/network/resolv-conf.js";
import { defaultRoute, readRoutes } from "../../launch/network/routes.js";
import { slirpSteps } from "../../launch/network/slirp.js";
import type { Launch } from "../containers/launch.js";
import type { Attachment } from "./attach.js";
import { readResolvConf } from "./name-files.js";

/** A program of the user's that makes its connections for it. @throws LaunchError NO_NETWORK, UsageError BAD_VALUE */
export function attachUserNetwork({ state, directory }: Launch): Attachment {
  const { network, publish = [], dns = [] } = state.options;
  const name = network === "pasta" ? "pasta" : "slirp4netns";
  const { host, behindResolved } = readResolvConf();
  const ports = portsOf(publish);
  const input = {
    program: programOf(name),
    containerDir: directory,
    ports,
    forwardDns: dns.length === 0 && needsForwarder(host, behindResolved),
  };
  return {
    steps: name === "pasta" ? pastaSteps(input) : slirpSteps(input),
    network: { ...userAddress, mac: "" },
    ports,
    address: userAddress.address,
    hostGateway: hostAddress(),
    neighbours: [],
  };
}

function programOf(name: "pasta" | "slirp4netns"): string {
  const path = findProgram(name);
  if (path !== undefined) return path;
  throw new LaunchError("NO_NETWORK", `network: ${name} is not installed`, {
    hint: `install ${name === "pasta" ? "passt" : name}, or use --network none or host`,
  });
}

/** The host as others see it: both programs keep the container away from the host's loopback. */
function hostAddress(): string | undefined {
  const route = defaultRoute(readRoutes());
  const addresses = route === undefined ? [] : (networkInterfaces()[route.device] ?? []);
  return addresses.find(({ family }) => family === "IPv4")?.address;
}

function portsOf(publish: readonly string[]): PublishedPort[] {
  const ports = publish.flatMap(parsePublished);
  if (ports.length === 0) return [];
  const first = Number(readText("/proc/sys/net/ipv4/ip_unprivileged_port_start") || 1024);
  const low = ports.find(({ hostPort }) => hostPort > 0 && hostPort < first);
  if (low === undefined) return pickPorts(ports, readPortUse());
  throw new UsageError(
    "BAD_VALUE",
    `--publish: port ${low.hostPort}: not for an ordinary user (expected ${first} or above)`,
    { hint: `sysctl net.ipv4.ip_unprivileged_port_start=${low.hostPort}, or publish at another port` },
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
