import { posix } from "node:path";
import type { PlanStep } from "../helper/plan.js";
import type { CgroupHost } from "./cgroup-host.js";
import type { Hierarchy } from "./cgroup-hierarchies.js";
import { noCgroup, type HierarchyLimits, type HierarchyPlan, type Limit } from "./cgroup-limits.js";

/** The leaf we and our siblings move to, so that our cgroup may hand controllers down. */
const supervisorLeaf = "pullrun-supervisor";

/**
 * The container's cgroup in the v2 hierarchy. As root on the host: `/pullrun/ID`, limits or not. Elsewhere (a user's
 * delegated scope, a container) only if a limit asks for it, because it takes moving ourselves out of the way.
 * @throws LaunchError NO_CGROUP
 */
export function planCgroupV2(input: HierarchyLimits, host: CgroupHost): HierarchyPlan | undefined {
  const { hierarchy, limits, containerId } = input;
  if (isRealRoot(hierarchy, host) && host.writable(hierarchy.mountPoint)) {
    const { mountPoint } = hierarchy;
    const group = `${mountPoint}/pullrun/${containerId}`;
    requireControllers({ base: mountPoint, limits, hint: "enable it in the kernel (cgroup_enable=)" }, host);
    const parents = [
      enable(mountPoint, limits, host),
      [makeDir(`${mountPoint}/pullrun`)],
      enable(`${mountPoint}/pullrun`, limits, host),
    ];
    return partOf(group, parents.flat(), limits);
  }
  return limits.length === 0 ? undefined : delegated(input, host);
}

/** Every cgroup but the hierarchy's root has a cgroup.type, also the root of a cgroup namespace. */
function isRealRoot({ mountPoint, whole }: Hierarchy, host: CgroupHost): boolean {
  return whole && host.read(`${mountPoint}/cgroup.type`) === undefined;
}

/** Below our own cgroup, which someone has to have given us. */
function delegated(input: HierarchyLimits, host: CgroupHost): HierarchyPlan {
  const { hierarchy, limits } = input;
  const moved = posix.basename(hierarchy.own) === supervisorLeaf;
  const base = moved ? posix.dirname(hierarchy.own) : hierarchy.own;
  const needed = [base, `${base}/cgroup.procs`, `${base}/cgroup.subtree_control`];
  const refused = needed.find((path) => !host.writable(path));
  if (refused !== undefined) {
    throw noCgroup(
      limits,
      `${refused} is not writable (expected a delegated cgroup)`,
      "start a delegated scope, systemd-run --user --scope -p Delegate=yes pullrun run …",
    );
  }
  const names = limits.map(({ controller }) => controller).join(" ");
  const hint = `have root add Delegate=${names} to a drop-in of user@.service and log in again`;
  requireControllers({ base, limits, hint }, host);
  const steps = [...moveAside(base, host), ...enable(base, limits, host)];
  return partOf(`${base}/pullrun-${input.containerId}`, steps, limits);
}

interface ControllersWanted {
  readonly base: string;
  readonly limits: readonly Limit[];
  readonly hint: string;
}

function requireControllers({ base, limits, hint }: ControllersWanted, host: CgroupHost): void {
  const available = words(host.read(`${base}/cgroup.controllers`));
  const missing = limits.filter(({ controller }) => !available.includes(controller));
  if (missing.length === 0) return;
  throw noCgroup(missing, `not available in ${base} (there: ${available.join(" ") || "none"})`, hint);
}

/**
 * cgroups(7), "no internal processes": a cgroup with processes cannot enable controllers for children. Those listed
 * now may be gone by then; `0` moves the helper, whoever started it.
 */
function moveAside(base: string, host: CgroupHost): PlanStep[] {
  const pids = words(host.read(`${base}/cgroup.procs`)).filter((pid) => pid !== "0");
  if (pids.length === 0) return [];
  const procs = `${base}/${supervisorLeaf}/cgroup.procs`;
  return [
    makeDir(`${base}/${supervisorLeaf}`),
    ...pids.map((pid): PlanStep => ({ kind: "write", path: procs, data: pid, optional: true })),
    { kind: "write", path: procs, data: "0" },
  ];
}

function enable(directory: string, limits: readonly Limit[], host: CgroupHost): PlanStep[] {
  const file = `${directory}/cgroup.subtree_control`;
  const enabled = words(host.read(file));
  const missing = limits.filter(({ controller }) => !enabled.includes(controller));
  if (missing.length === 0) return [];
  return [{ kind: "write", path: file, data: missing.map(({ controller }) => `+${controller}`).join(" ") }];
}

function partOf(group: string, parents: readonly PlanStep[], limits: readonly Limit[]): HierarchyPlan {
  const writes = limits.flatMap(writesFor);
  return {
    hostSteps: [
      ...parents,
      makeDir(group),
      ...writes.map(([file, data]): PlanStep => ({ kind: "write", path: `${group}/${file}`, data })),
    ],
    group,
  };
}

function writesFor(limit: Limit): [file: string, value: string][] {
  switch (limit.controller) {
    case "memory": {
      const memory: [string, string] = ["memory.max", String(limit.limit)];
      // v2 limits swap by itself, not together with memory.
      return limit.swap === undefined
        ? [memory]
        : [memory, ["memory.swap.max", String(limit.swap - limit.limit)]];
    }
    case "pids":
      return [["pids.max", String(limit.limit)]];
    case "cpu":
      return [["cpu.max", `${limit.quota} ${limit.period}`]];
  }
}

function makeDir(path: string): PlanStep {
  return { kind: "make-dir", path, mode: 0o755 };
}

function words(text: string | undefined): string[] {
  return (text ?? "").split(/\s+/).filter((word) => word !== "");
}
