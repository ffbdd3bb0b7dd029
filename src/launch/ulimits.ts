import { UsageError } from "../core/errors.js";
import { resources } from "../helper/constants.js";
import type { PlanStep } from "../helper/plan.js";
import type { Rlimit } from "./oci-spec.js";

/** Docker's name of a limit, ulimit(1)'s words: `nofile` is RLIMIT_NOFILE. */
export const ulimitNames: readonly string[] = resources.map((name) =>
  name.slice("RLIMIT_".length).toLowerCase(),
);

const infinity = 2n ** 64n - 1n;
/** The same in a spec: RLIM_INFINITY itself would be written as a number beyond 64 bits. */
const unlimited = 2 ** 64 - 2048;

/** Both in the resource's unit, -1 for no limit. */
export interface Ulimit {
  /** One of {@link ulimitNames}. */
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

/** The spec's `process.rlimits`. @throws UsageError BAD_VALUE */
export function rlimitsOf(ulimits: readonly Ulimit[]): Rlimit[] {
  return ulimits.map(({ name, soft, hard }) => {
    if (!ulimitNames.includes(name)) throw bad(name, "not a limit", `one of ${ulimitNames.join(", ")}`);
    if (hard !== -1 && (soft === -1 || soft > hard))
      throw bad(name, `soft ${soft}, hard ${hard}`, "soft up to hard");
    const [softest, hardest] = [soft, hard].map((value) => (value === -1 ? unlimited : value));
    return { type: `RLIMIT_${name.toUpperCase()}`, soft: softest ?? soft, hard: hardest ?? hard };
  });
}

export function rlimitSteps(rlimits: readonly Rlimit[]): PlanStep[] {
  if (rlimits.length === 0) return [];
  const steps = rlimits.flatMap(({ type, soft, hard }): PlanStep[] => [
    { kind: "hint", text: raising(type.slice("RLIMIT_".length).toLowerCase()) },
    {
      kind: "rlimit",
      resource: resources.findIndex((name) => name === type),
      soft: soft === unlimited ? infinity : soft,
      hard: hard === unlimited ? infinity : hard,
    },
  ]);
  return [...steps, { kind: "hint", text: "" }];
}

function raising(name: string): string {
  return `only root, with CAP_SYS_RESOURCE, can raise a hard limit: keep --ulimit ${name} to yours, see ulimit -aH`;
}

function bad(name: string, observed: string, expected: string): UsageError {
  return new UsageError("BAD_VALUE", `--ulimit: ${name}: ${observed} (expected ${expected})`);
}
