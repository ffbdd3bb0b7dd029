import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { LaunchError } from "../../core/errors.js";
import type { PublishedPort } from "./ports.js";

export interface PortUse {
  /** `tcp 8080`: taken, at whatever address. */
  readonly taken: ReadonlySet<string>;
  /** The range ports are picked from, first and last. */
  readonly range: readonly [number, number];
}

const tables = ["tcp", "tcp6", "udp", "udp6"];

/** What the sockets of our network namespace use; published ports are among them, held by supervisors. */
export function readPortUse(): PortUse {
  const taken = tables.flatMap((table) =>
    readText(`/proc/self/net/${table}`)
      .split("\n")
      .slice(1)
      .map((row) => /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) /.exec(row)?.[1])
      .filter((hex) => hex !== undefined)
      .map((hex) => `${table.slice(0, 3)} ${parseInt(hex, 16)}`),
  );
  const [first = 32_768, last = 60_999] = readText("/proc/sys/net/ipv4/ip_local_port_range")
    .trim()
    .split(/\s+/)
    .map(Number);
  return { taken: new Set(taken), range: [first, last] };
}

/** Gives every port that may be any one that is free. @throws LaunchError NO_NETWORK */
export function pickPorts(ports: readonly PublishedPort[], use: PortUse): PublishedPort[] {
  const taken = new Set(use.taken);
  for (const { protocol, hostPort } of ports) taken.add(`${protocol} ${hostPort}`);
  return ports.map((port) => {
    if (port.hostPort !== 0) return port;
    const hostPort = pick((candidate) => !taken.has(`${port.protocol} ${candidate}`), use.range);
    taken.add(`${port.protocol} ${hostPort}`);
    return { ...port, hostPort };
  });
}

/** From anywhere in the range: two runs at once hardly ever want the same. */
function pick(isFree: (port: number) => boolean, [first, last]: PortUse["range"]): number {
  const count = last - first + 1;
  const start = randomInt(count);
  for (let index = 0; index < count; index++) {
    const candidate = first + ((start + index) % count);
    if (isFree(candidate)) return candidate;
  }
  throw new LaunchError("NO_NETWORK", `--publish: ports ${first} to ${last}: none is free`, {
    hint: "name a port of the host, or widen net.ipv4.ip_local_port_range",
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
