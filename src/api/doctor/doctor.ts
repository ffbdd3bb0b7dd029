import type { Context } from "../context.js";
import { checkMachine, type Check } from "./checks.js";
import { gatherFacts, type MachineFacts } from "./facts.js";

export type { Check, MachineFacts };

export interface Diagnosis {
  /** Whether a container can be run in any way. */
  readonly usable: boolean;
  readonly checks: readonly Check[];
  readonly facts: MachineFacts;
}

/** Looks at this machine, changing nothing, and says what containers can and cannot have on it. */
export async function diagnose(context: Context): Promise<Diagnosis> {
  const facts = await gatherFacts(context);
  const checks = checkMachine(facts);
  return { usable: checks.every(({ state }) => state !== "broken"), checks, facts };
}
