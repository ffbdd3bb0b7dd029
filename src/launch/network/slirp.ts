import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { PlanStep } from "../../helper/plan.js";
import type { UserNetworkInput } from "./pasta.js";
import type { PublishedPort } from "./ports.js";
import { reservePorts } from "./reserve.js";
import type { NetworkSteps } from "./steps.js";

/** unix(7): sun_path, with its NUL. */
const maxSocketPath = 107;

/** slirp4netns in the container's namespaces; ports are asked for over its API socket. @throws UsageError BAD_VALUE */
export function slirpSteps({ program, containerDir, ports }: UserNetworkInput): NetworkSteps {
  const socket = `${containerDir}/slirp.sock`;
  if (ports.length > 0 && Buffer.byteLength(socket) > maxSocketPath) throw tooLong(socket);
  const daemon: PlanStep = {
    kind: "daemon",
    ready: 3,
    log: `${containerDir}/network.log`,
    argv: [
      ...[program, "--configure", "--mtu=65520", "--disable-host-loopback", "--ready-fd=3"],
      ...(ports.length === 0 ? [] : [`--api-socket=${socket}`]),
      ...["{pid}", "eth0"],
    ],
  };
  return {
    // It refuses to start where an earlier one has left its socket.
    host: [...reservePorts(ports, { hold: false }), ...(ports.length === 0 ? [] : [remove(socket)])],
    child: [],
    created: [daemon, ...ports.map((port) => forward(socket, port))],
    cleanup: [],
  };
}

function forward(path: string, { protocol, hostIp, hostPort, containerPort }: PublishedPort): PlanStep {
  const request = {
    execute: "add_hostfwd",
    arguments: { proto: protocol, host_addr: hostIp, host_port: hostPort, guest_port: containerPort },
  };
  return { kind: "request", path, request: JSON.stringify(request), expected: '"return"' };
}

function remove(path: string): PlanStep {
  return { kind: "remove-tree", path };
}

function tooLong(socket: string): UsageError {
  return new UsageError(
    "BAD_VALUE",
    `--publish: ${printable(socket)}: too long for slirp4netns (expected ${maxSocketPath} bytes at most)`,
    { hint: "choose a store with a shorter path with --root, or install passt" },
  );
}
