import type { Ulimit } from "../ulimits.js";
import { badValue } from "./bad-value.js";

/** How much of the machine the container may use. */
export interface LimitOptions {
  /** Bytes. */
  readonly memory?: number;
  readonly pidsLimit?: number;
  /** Fractions allowed: 0.5 is half of one CPU's time. */
  readonly cpus?: number;
  readonly ulimits?: readonly Ulimit[];
  /** How soon the kernel kills it when memory is short: -1000 (never) to 1000. */
  readonly oomScoreAdj?: number;
}

/** Docker's floor: below this even a shell is killed while it starts. */
const minMemory = 6 * 1024 * 1024;
/** The kernel's shortest quota is 1 ms of the 100 ms period. */
const minCpus = 0.01;

export function checkLimitOptions({ memory, pidsLimit, cpus, oomScoreAdj }: LimitOptions): void {
  if (oomScoreAdj !== undefined && !(Math.abs(oomScoreAdj) <= 1000)) {
    throw badValue("--oom-score-adj", String(oomScoreAdj), "a whole number from -1000 to 1000");
  }
  if (memory !== undefined && !(Number.isSafeInteger(memory) && memory >= minMemory)) {
    throw badValue("--memory", `${memory} bytes`, "at least 6 MiB");
  }
  if (pidsLimit !== undefined && !(Number.isSafeInteger(pidsLimit) && pidsLimit >= 1)) {
    throw badValue("--pids-limit", String(pidsLimit), "a whole number from 1");
  }
  if (cpus !== undefined && !(Number.isFinite(cpus) && cpus >= minCpus)) {
    throw badValue("--cpus", String(cpus), "at least 0.01");
  }
}
