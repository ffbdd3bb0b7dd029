import { parseHierarchies, type Hierarchy } from "../../launch/cgroup-hierarchies.js";
import { readText } from "./process.js";

/**
 * The cgroups that are the container's alone, `own` being their directory. None where it shares those of whoever
 * started it: cgroups are made where a limit asks for one.
 */
export async function cgroupsOf({
  id,
  pid,
}: {
  readonly id: string;
  readonly pid: number;
}): Promise<readonly Hierarchy[]> {
  const [mountinfo, cgroups] = await Promise.all([
    readText("/proc/self/mountinfo"),
    readText(`/proc/${pid}/cgroup`),
  ]);
  return parseHierarchies(mountinfo, cgroups).filter(({ own }) => own.includes(id));
}
