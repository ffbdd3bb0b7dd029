import type { PlanStep } from "../helper/plan.js";
import type { CgroupHost } from "./cgroup-host.js";
import { limitStep, noCgroup, type HierarchyLimits, type HierarchyPlan } from "./cgroup-limits.js";

/**
 * A cgroup below our own in one v1 hierarchy, so that limits on whoever runs us hold for the container too. v1 has
 * no rule against processes in inner cgroups. @throws LaunchError NO_CGROUP
 */
export function planCgroupV1(input: HierarchyLimits, host: CgroupHost): HierarchyPlan {
  const { hierarchy, limits, containerId } = input;
  const parent = `${hierarchy.own}/pullrun`;
  if (!host.writable(parent) && !host.writable(hierarchy.own)) {
    const problem = `cgroup v1 at ${hierarchy.own} is not writable (v1 cannot be delegated safely)`;
    throw noCgroup(limits, problem, "run with sudo, or on a host with cgroup v2 and delegation");
  }
  const group = `${parent}/${containerId}`;
  const swapCounted = host.read(`${hierarchy.own}/memory.memsw.limit_in_bytes`) !== undefined;
  const writes = limits.flatMap(({ v1 }) => v1).filter(({ swap }) => swap !== true || swapCounted);
  return {
    hostSteps: [
      { kind: "make-dir", path: parent, mode: 0o755 },
      ...cpusetSteps(input, parent, host),
      { kind: "make-dir", path: group, mode: 0o755 },
      ...cpusetSteps(input, group, host),
      ...writes.map((write) => limitStep(group, write)),
      ...(writes.some(({ file }) => file.startsWith("memory."))
        ? [{ kind: "oom-file", path: `${group}/memory.oom_control`, key: "oom_kill" } as const]
        : []),
    ],
    group,
  };
}

/** A new v1 cpuset is empty, and takes no processes until it has CPUs and memory: those of the cgroup above. */
function cpusetSteps({ hierarchy }: HierarchyLimits, group: string, host: CgroupHost): PlanStep[] {
  if (!hierarchy.controllers.includes("cpuset")) return [];
  return ["cpuset.cpus", "cpuset.mems"].map((file) => ({
    kind: "write",
    path: `${group}/${file}`,
    data: host.read(`${hierarchy.own}/${file}`)?.trim() ?? "",
  }));
}
