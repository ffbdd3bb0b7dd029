import type { PlanStep } from "../../helper/plan.js";
import { anyAddress, type PublishedPort } from "./ports.js";
import { dnsForwarder } from "./resolv-conf.js";
import { reservePorts } from "./reserve.js";
import type { NetworkSteps } from "./steps.js";

/** Not the host's own address, which is pasta's default: then the container could not reach the host. */
export const userAddress = { address: "10.0.2.100", prefix: 24, gateway: "10.0.2.2" } as const;

export interface UserNetworkInput {
  /** Absolute path of pasta or slirp4netns. */
  readonly program: string;
  readonly containerDir: string;
  /** Every `hostPort` decided. */
  readonly ports: readonly PublishedPort[];
  /** Whether {@link dnsForwarder} is the container's name server. */
  readonly forwardDns: boolean;
}

/**
 * pasta in the container's namespaces, as a child of the supervisor. Options are those of 2023 (Debian 12), which every
 * later version has too.
 */
export function pastaSteps({ program, containerDir, ports, forwardDns }: UserNetworkInput): NetworkSteps {
  const { address, prefix, gateway } = userAddress;
  const daemon: PlanStep = {
    kind: "daemon",
    // Its pid, written when the network is there.
    ready: 1,
    log: `${containerDir}/network.log`,
    argv: [
      ...[program, "--foreground", "--quiet", "--pid", "/dev/stdout"],
      ...["--config-net", "--ns-ifname", "eth0"],
      ...["--address", address, "--netmask", String(prefix), "--gateway", gateway],
      // Else the gateway's address would lead to whatever listens on the host's loopback.
      "--no-map-gw",
      ...(forwardDns ? ["--dns-forward", dnsForwarder.pasta] : []),
      ...portOptions("--tcp-ports", ports, "tcp"),
      ...portOptions("--udp-ports", ports, "udp"),
      ...["--tcp-ns", "none", "--udp-ns", "none"],
      "{pid}",
    ],
  };
  return { host: reservePorts(ports, { hold: false }), child: [], created: [daemon], cleanup: [] };
}

function portOptions(option: string, ports: readonly PublishedPort[], wanted: "tcp" | "udp"): string[] {
  const ours = ports.filter(({ protocol }) => protocol === wanted);
  if (ours.length === 0) return [option, "none"];
  return ours.flatMap(({ hostIp, hostPort, containerPort }) => [
    option,
    `${hostIp === anyAddress ? "" : `${hostIp}/`}${hostPort}:${containerPort}`,
  ]);
}
