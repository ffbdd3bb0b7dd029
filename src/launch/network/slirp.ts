import type { PlanStep } from "../../helper/plan.js";
import type { UserNetworkInput } from "./pasta.js";
import type { PublishedPort } from "./ports.js";
import { reservePorts } from "./reserve.js";
import type { NetworkSteps } from "./steps.js";

const socketName = "slirp.sock";

/** slirp4netns in the container's namespaces; ports are asked for over its API socket. */
export function slirpSteps({ program, containerDir, ports }: UserNetworkInput): NetworkSteps {
  const socket = `${containerDir}/${socketName}`;
  const daemon: PlanStep = {
    kind: "daemon",
    ready: 3,
    // It starts in the directory of the file: the socket's path may be longer than unix(7) takes.
    log: `${containerDir}/network.log`,
    argv: [
      ...[program, "--configure", "--mtu=65520", "--disable-host-loopback", "--ready-fd=3"],
      ...(ports.length === 0 ? [] : [`--api-socket=${socketName}`]),
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
