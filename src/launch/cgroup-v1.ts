import type { PlanStep } from "../helper/plan.js";
import type { CgroupHost } from "./cgroup-host.js";
import { noCgroup, type HierarchyLimits, type HierarchyPlan, type Limit } from "./cgroup-limits.js";

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
  const writes = limits.flatMap((limit) => writesFor(limit, swapCounted));
  return {
    hostSteps: [
      { kind: "make-dir", path: parent, mode: 0o755 },
      { kind: "make-dir", path: group, mode: 0o755 },
      ...writes.map(([file, value]): PlanStep => ({
        kind: "write",
        path: `${group}/${file}`,
        data: String(value),
      })),
    ],
    group,
  };
}

function writesFor(limit: Limit, swapCounted: boolean): [file: string, value: number][] {
  switch (limit.controller) {
    case "memory": {
      const swap = swapCounted ? limit.swap : undefined;
      // The kernel refuses a memsw limit below the memory limit, so memory comes first.
      const memory: [string, number] = ["memory.limit_in_bytes", limit.limit];
      return swap === undefined ? [memory] : [memory, ["memory.memsw.limit_in_bytes", swap]];
    }
    case "pids":
      return [["pids.max", limit.limit]];
    case "cpu":
      return [
        ["cpu.cfs_period_us", limit.period],
        ["cpu.cfs_quota_us", limit.quota],
      ];
  }
}
