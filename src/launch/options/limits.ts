import { badValue } from "./bad-value.js";

/** How much of the machine the container may use. */
export interface LimitOptions {
  /** Bytes. */
  readonly memory?: number;
  readonly pidsLimit?: number;
  /** Fractions allowed: 0.5 is half of one CPU's time. */
  readonly cpus?: number;
}

/** Docker's floor: below this even a shell is killed while it starts. */
const minMemory = 6 * 1024 * 1024;
/** The kernel's shortest quota is 1 ms of the 100 ms period. */
const minCpus = 0.01;

export function checkLimitOptions({ memory, pidsLimit, cpus }: LimitOptions): void {
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
