import type { PlanStep } from "../helper/plan.js";

/** Steps with what to do should the machine refuse one of them (docs/adr/0004-hints-in-the-plan.md). */
export function hinted(text: string, ...steps: readonly PlanStep[]): PlanStep[] {
  return [{ kind: "hint", text }, ...steps, { kind: "hint", text: "" }];
}
