import type { PlanStep } from "../../helper/plan.js";

/** What a network adds to each phase of a plan. */
export interface NetworkSteps {
  readonly host: readonly PlanStep[];
  /** In the container's network namespace, with the host's file system. */
  readonly child: readonly PlanStep[];
  readonly created: readonly PlanStep[];
  readonly cleanup: readonly PlanStep[];
}

export const noNetworkSteps: NetworkSteps = { host: [], child: [], created: [], cleanup: [] };
