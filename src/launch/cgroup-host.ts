import { accessSync, constants, readFileSync } from "node:fs";
import { parseHierarchies, type Hierarchy } from "./cgroup-hierarchies.js";

/** What cgroup plans are made from; tests give their own. */
export interface CgroupHost {
  readonly hierarchies: readonly Hierarchy[];
  /** The file's text, or undefined if it cannot be read. */
  read(path: string): string | undefined;
  writable(path: string): boolean;
}

/** The machine's, as /proc/self and the cgroup filesystems tell. Never throws. */
export function readCgroupHost(): CgroupHost {
  const mountinfo = read("/proc/self/mountinfo") ?? "";
  const selfCgroup = read("/proc/self/cgroup") ?? "";
  return { hierarchies: parseHierarchies(mountinfo, selfCgroup), read, writable };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether memory limits can count swap too (kernel parameter swapaccount). */
export function hasSwapAccounting(host: CgroupHost): boolean {
  const v1 = host.hierarchies.find((hierarchy) => hierarchy.controllers.includes("memory"));
  if (v1 !== undefined) return host.read(`${v1.own}/memory.memsw.limit_in_bytes`) !== undefined;
  const v2 = host.hierarchies.find((hierarchy) => hierarchy.version === 2);
  return v2 !== undefined && host.read(`${v2.own}/memory.swap.max`) !== undefined;
}
