import { posix } from "node:path";
import type { PlanStep } from "../helper/plan.js";
import { LaunchError } from "../core/errors.js";
import type { CgroupHost } from "./cgroup-host.js";
import type { Hierarchy } from "./cgroup-hierarchies.js";
import {
  deviceLimit,
  limitStep,
  noCgroup,
  type HierarchyLimits,
  type HierarchyPlan,
  type Limit,
} from "./cgroup-limits.js";

/** The leaf we and our siblings move to, so that our cgroup may hand controllers down. */
const supervisorLeaf = "pullrun-supervisor";

/**
 * The container's cgroup in the v2 hierarchy. As root on the host: `/pullrun/ID`, limits or not. Elsewhere (a user's
 * delegated scope, a container) only if a limit asks for it, because it takes moving ourselves out of the way.
 * @throws LaunchError NO_CGROUP
 */
export function planCgroupV2(input: HierarchyLimits, host: CgroupHost): HierarchyPlan | undefined {
  const { hierarchy, containerId } = input;
  const limits = controlled(input.limits);
  if (isRealRoot(hierarchy, host) && host.writable(hierarchy.mountPoint)) {
    const { mountPoint } = hierarchy;
    const group = `${mountPoint}/pullrun/${containerId}`;
    requireControllers({ base: mountPoint, limits, hint: "enable it in the kernel (cgroup_enable=)" }, host);
    const parents = [
      enable(mountPoint, limits, host),
      [makeDir(`${mountPoint}/pullrun`)],
      enable(`${mountPoint}/pullrun`, limits, host),
    ];
    return partOf(group, parents.flat(), input);
  }
  if (limits.length > 0) return delegated(input, host);
  return input.limits.length === 0 ? undefined : unlimited(input, host);
}

/** Those that take a controller: any cgroup of v2 can be frozen, and take a device filter. @throws LaunchError NO_CGROUP for what v2 does not have */
function controlled(limits: readonly Limit[]): Limit[] {
  const unknown = limits.find(({ v2 }) => v2 === undefined);
  if (unknown !== undefined) {
    throw new LaunchError(
      "NO_CGROUP",
      `${unknown.flag}: cgroup v2 has no such setting (expected cgroup v1)`,
      {
        hint: `leave out ${unknown.flag}`,
      },
    );
  }
  return limits.filter(({ controller }) => controller !== "freezer" && controller !== "devices");
}

/** Only to be frozen or kept from devices: below our own cgroup if we may, and nobody has to move for it. */
function unlimited(
  { hierarchy, containerId, limits }: HierarchyLimits,
  host: CgroupHost,
): HierarchyPlan | undefined {
  const moved = posix.basename(hierarchy.own) === supervisorLeaf;
  const base = moved ? posix.dirname(hierarchy.own) : hierarchy.own;
  const refused = [base, `${base}/cgroup.procs`].find((path) => !host.writable(path));
  if (refused !== undefined && limits.includes(deviceLimit))
    throw noCgroup([deviceLimit], `${refused} is not writable`, "run with sudo, outside this container");
  if (refused !== undefined) return undefined;
  return partOf(`${base}/pullrun-${containerId}`, [], { hierarchy, containerId, limits });
}

/** Every cgroup but the hierarchy's root has a cgroup.type, also the root of a cgroup namespace. */
function isRealRoot({ mountPoint, whole }: Hierarchy, host: CgroupHost): boolean {
  return whole && host.read(`${mountPoint}/cgroup.type`) === undefined;
}

/** Below our own cgroup, which someone has to have given us. */
function delegated(input: HierarchyLimits, host: CgroupHost): HierarchyPlan {
  const { hierarchy } = input;
  const limits = controlled(input.limits);
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
  const names = controllersOf(limits).join(" ");
  const hint = `have root add Delegate=${names} to a drop-in of user@.service and log in again`;
  requireControllers({ base, limits, hint }, host);
  const steps = [...moveAside(base, host), ...enable(base, limits, host)];
  return partOf(`${base}/pullrun-${input.containerId}`, steps, input);
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
 * cgroups(7), "no internal processes": a cgroup with processes cannot enable controllers for children. Which ones there
 * are only the helper knows: with `-d` it is two of them, which are not there yet.
 */
function moveAside(base: string, host: CgroupHost): PlanStep[] {
  const procs = `${base}/cgroup.procs`;
  if (words(host.read(procs)).every((pid) => pid === "0")) return [];
  const leaf = `${base}/${supervisorLeaf}`;
  return [makeDir(leaf), { kind: "move-processes", from: procs, to: `${leaf}/cgroup.procs` }];
}

function enable(directory: string, limits: readonly Limit[], host: CgroupHost): PlanStep[] {
  const file = `${directory}/cgroup.subtree_control`;
  const enabled = words(host.read(file));
  const missing = limits.filter(({ controller }) => !enabled.includes(controller));
  if (missing.length === 0) return [];
  return [
    {
      kind: "write",
      path: file,
      data: controllersOf(missing)
        .map((name) => `+${name}`)
        .join(" "),
    },
  ];
}

function partOf(group: string, parents: readonly PlanStep[], { limits }: HierarchyLimits): HierarchyPlan {
  const writes = limits.flatMap(({ v2 = [] }) => v2);
  return {
    hostSteps: [
      ...parents,
      makeDir(group),
      ...writes.map((write) => limitStep(group, write)),
      ...(writes.some(({ file }) => file.startsWith("memory."))
        ? [{ kind: "oom-file", path: `${group}/memory.events`, key: "oom_kill" } as const]
        : []),
    ],
    group,
  };
}

function controllersOf(limits: readonly Limit[]): string[] {
  return [...new Set(limits.map(({ controller }) => controller))];
}

function makeDir(path: string): PlanStep {
  return { kind: "make-dir", path, mode: 0o755 };
}

function words(text: string | undefined): string[] {
  return (text ?? "").split(/\s+/).filter((word) => word !== "");
}
