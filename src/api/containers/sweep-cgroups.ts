import { rmdir } from "node:fs/promises";
import path from "node:path";
import { namedHierarchies, parseHierarchies } from "../../launch/cgroup-hierarchies.js";
import { readText } from "./process.js";

/**
 * Removes the cgroups of a container that does not run, wherever src/launch/cgroup-v1.ts and -v2.ts may have made them,
 * or a runtime that is not ours: its supervisor does so, unless it was killed. Whatever cannot be removed stays.
 */
export async function sweepCgroups(id: string): Promise<void> {
  const [mountinfo, own] = await Promise.all([
    readText("/proc/self/mountinfo"),
    readText("/proc/self/cgroup"),
  ]);
  const places = parseHierarchies(mountinfo, own).flatMap((hierarchy) => [
    `${hierarchy.mountPoint}/pullrun/${id}`,
    `${hierarchy.own}/pullrun/${id}`,
    `${hierarchy.own}/pullrun-${id}`,
    `${path.dirname(hierarchy.own)}/pullrun-${id}`,
  ]);
  const named = namedHierarchies(mountinfo).map((mountPoint) => `${mountPoint}/pullrun/${id}`);
  await Promise.all([...places, ...named].map((place) => rmdir(place).catch(() => undefined)));
}
