import { readFileSync } from "node:fs";
import { overlap, type Subnet } from "./addresses.js";

export interface Route extends Subnet {
  readonly device: string;
  /** Of an interface that is up. */
  readonly gateway: number;
}

/** The IPv4 routes of our network namespace (proc_pid_net(5), "route"). */
export function readRoutes(): Route[] {
  return parseRoutes(readFileSync("/proc/self/net/route", "utf8"));
}

export function parseRoutes(text: string): Route[] {
  const rows = text
    .split("\n")
    .slice(1)
    .filter((row) => row.trim() !== "");
  return rows.map((row) => {
    const [device = "", destination = "", gateway = "", , , , , mask = ""] = row.trim().split(/\s+/);
    const bits = littleEndian(mask).toString(2).replaceAll("0", "").length;
    return { device, base: littleEndian(destination), gateway: littleEndian(gateway), prefix: bits };
  });
}

/** The kernel prints an address as the number that its bytes are on this machine: little endian. */
function littleEndian(hex: string): number {
  return Buffer.from(hex.padStart(8, "0"), "hex").reverse().readUInt32BE();
}

export function defaultRoute(routes: readonly Route[]): Route | undefined {
  return routes.find(({ prefix, gateway }) => prefix === 0 && gateway !== 0);
}

/**
 * Beside docker's 172.17.0.0/16, podman's 10.88.0.0/16 and the networks podman makes from 10.89.0.0 on, which have no
 * route while nothing runs in them.
 */
const candidates: readonly Subnet[] = [87, 86, 85, 84, 83, 82, 81, 80].map((second) => ({
  base: ((10 << 24) | (second << 16)) >>> 0,
  prefix: 16,
}));

/** A network that no route of this machine leads to; undefined if all are taken. */
export function freeSubnet(routes: readonly Route[]): Subnet | undefined {
  const taken = routes.filter(({ prefix }) => prefix > 0);
  return candidates.find((candidate) => !taken.some((route) => overlap(candidate, route)));
}
