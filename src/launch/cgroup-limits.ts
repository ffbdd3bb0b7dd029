import { LaunchError } from "../core/errors.js";
import type { PlanStep } from "../helper/plan.js";
import type { Hierarchy } from "./cgroup-hierarchies.js";
import type { Resources } from "./oci-spec.js";

/** One limit: the controller that has to keep it, and the flag that asked for it. */
export type Limit =
  | { readonly controller: "memory"; readonly flag: string; readonly limit: number; readonly swap?: number }
  | { readonly controller: "pids"; readonly flag: string; readonly limit: number }
  | { readonly controller: "cpu"; readonly flag: string; readonly quota: number; readonly period: number };

/** What to set in one hierarchy. */
export interface HierarchyLimits {
  readonly hierarchy: Hierarchy;
  readonly limits: readonly Limit[];
  readonly containerId: string;
}

/** How to set it. */
export interface HierarchyPlan {
  readonly hostSteps: readonly PlanStep[];
  /** The container's own cgroup, an absolute host directory. */
  readonly group: string;
}

/** The limits in `resources`. Device rules are not among them: see plan-dev.ts. */
export function limitsOf({ memory, pids, cpu }: Resources): Limit[] {
  return [
    ...(memory === undefined ? [] : [{ controller: "memory", flag: "--memory", ...memory } as const]),
    ...(pids === undefined ? [] : [{ controller: "pids", flag: "--pids-limit", ...pids } as const]),
    ...(cpu === undefined ? [] : [{ controller: "cpu", flag: "--cpus", ...cpu } as const]),
  ];
}

/** A limit that cannot be set is an error, never silence. */
export function noCgroup(limits: readonly Limit[], problem: string, hint: string): LaunchError {
  const flags = limits.map((limit) => limit.flag).join(", ");
  const names = limits.map((limit) => limit.controller).join(", ");
  return new LaunchError("NO_CGROUP", `${flags}: cgroup controller ${names}: ${problem}`, {
    hint: `${hint}, or leave out ${flags}`,
  });
}
