import { hinted } from "./hinted.js";
import type { PlanStep } from "../helper/plan.js";
import { checkCpuset } from "./cgroup-cpuset.js";
import type { CgroupHost } from "./cgroup-host.js";
import type { Hierarchy } from "./cgroup-hierarchies.js";
import {
  deviceLimit,
  freezerLimit,
  limitsOf,
  noCgroup,
  type HierarchyLimits,
  type HierarchyPlan,
  type Limit,
} from "./cgroup-limits.js";
import { planCgroupV1 } from "./cgroup-v1.js";
import { planCgroupV2 } from "./cgroup-v2.js";
import type { LimitResources } from "./oci-spec.js";

export interface CgroupPlan {
  /** Before the clone: make the cgroups and set the limits. */
  readonly hostSteps: readonly PlanStep[];
  /** `cgroup.procs` files for the clone step. */
  readonly procsFiles: readonly string[];
  /** In the child, once its mounts are there. */
  readonly childSteps: readonly PlanStep[];
  readonly cleanupSteps: readonly PlanStep[];
  /** The hierarchies in which the container has a cgroup of its own: what it may see below /sys/fs/cgroup. */
  readonly own: readonly Pick<Hierarchy, "version" | "controllers">[];
  /** v2 only: it is mounted at /sys/fs/cgroup itself, not below. */
  readonly unified: boolean;
}

export interface CgroupInput {
  readonly resources: LimitResources;
  readonly containerId: string;
  /** Whether it is to have a cgroup of its own where one can be had, so that it can be paused. */
  readonly freeze?: boolean;
  /** Steps by which a cgroup of its own keeps it from devices. */
  readonly deviceSteps?: ((version: 1 | 2, group: string) => readonly PlanStep[]) | undefined;
}

/**
 * Where the container's limits go, hierarchy by hierarchy. Only those that carry a limit are touched: a v1 write costs
 * 1 to 2 ms, the v2 cgroup half of one. Where v2 is all there is, root's containers get theirs in any case.
 * @throws LaunchError NO_CGROUP
 */
export function planCgroups(input: CgroupInput, host: CgroupHost): CgroupPlan {
  const { containerId } = input;
  checkCpuset(input.resources, host);
  const limits = [
    ...limitsOf(input.resources),
    ...(input.freeze === true && canFreeze(host) ? [freezerLimit] : []),
    ...(input.deviceSteps === undefined ? [] : [deviceLimit]),
  ];
  const v1 = host.hierarchies.filter(({ version }) => version === 1);
  const v2 = host.hierarchies.find(({ version }) => version === 2);
  const carried = v1.map((hierarchy) => ({
    hierarchy,
    limits: limits.filter(carriedBy(hierarchy)),
    ...input,
  }));
  const rest = limits.filter((limit) => !v1.some((hierarchy) => carriedBy(hierarchy)(limit)));
  const plans = [
    ...carried.filter((part) => part.limits.length > 0).map((part) => join(part, planCgroupV1(part, host))),
    ...(v2 === undefined ? missing(rest) : []),
    ...(v2 !== undefined && (rest.length > 0 || v1.length === 0)
      ? planV2({ hierarchy: v2, limits: rest, containerId }, host)
      : []),
  ];
  return {
    hostSteps: withHint(plans.flatMap(({ hostSteps }) => hostSteps)),
    procsFiles: plans.map(({ group }) => `${group}/cgroup.procs`),
    childSteps: plans
      .filter((plan) => plan.limits.includes(deviceLimit))
      .flatMap(({ hierarchy, group }) => input.deviceSteps?.(hierarchy.version, group) ?? []),
    cleanupSteps: plans.map(({ group }) => ({ kind: "remove-cgroup", path: group })),
    own: plans.map(({ hierarchy }) => ({ version: hierarchy.version, controllers: hierarchy.controllers })),
    unified: v1.length === 0,
  };
}

type OwnedPlan = HierarchyPlan & Pick<HierarchyLimits, "hierarchy" | "limits">;

/** Nobody is refused a container because it could not be paused. */
function canFreeze({ hierarchies, writable }: CgroupHost): boolean {
  const v1 = hierarchies.find(({ controllers }) => controllers.includes("freezer"));
  if (v1 !== undefined) return writable(`${v1.own}/pullrun`) || writable(v1.own);
  return hierarchies.some(({ version }) => version === 2);
}

function carriedBy({ controllers }: Hierarchy): (limit: Limit) => boolean {
  return ({ controller }) => controllers.includes(controller === "io" ? "blkio" : controller);
}

function join({ hierarchy, limits }: HierarchyLimits, plan: HierarchyPlan): OwnedPlan {
  return { ...plan, hierarchy, limits };
}

function planV2(input: HierarchyLimits, host: CgroupHost): OwnedPlan[] {
  const plan = planCgroupV2(input, host);
  return plan === undefined ? [] : [join(input, plan)];
}

function missing(limits: readonly Limit[]): OwnedPlan[] {
  if (limits.length === 0) return [];
  throw noCgroup(limits, "mounted nowhere", "mount the cgroup filesystems (cgroup v2 at /sys/fs/cgroup)");
}

function withHint(steps: readonly PlanStep[]): PlanStep[] {
  if (steps.length === 0) return [];
  const text =
    "the kernel refused a limit, which the file's name tells: leave out the flag for it, or ask for something else";
  return hinted(text, ...steps);
}
