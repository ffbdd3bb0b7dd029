import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { Ulimit } from "../ulimits.js";
import { badValue } from "./bad-value.js";

/** How much of the machine the container may use. */
export interface LimitOptions {
  /** Bytes. */
  readonly memory?: number;
  /** Memory and swap together, bytes; -1 for no limit. Twice the memory unless given. */
  readonly memorySwap?: number;
  /** Bytes the kernel leaves it when memory is short. */
  readonly memoryReservation?: number;
  /** cgroup v1 only: at its limit it waits instead of being killed. */
  readonly oomKillDisable?: boolean;
  /** 0 and -1: no limit. */
  readonly pidsLimit?: number;
  /** Fractions allowed: 0.5 is half of one CPU's time. */
  readonly cpus?: number;
  /** Its share when CPUs are short: 2 to 262144, 1024 is everybody's. */
  readonly cpuShares?: number;
  /** Microseconds of CPU time per period of microseconds. */
  readonly cpuQuota?: number;
  readonly cpuPeriod?: number;
  /** `0-3,7`: the CPUs and the memory nodes it may use. */
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  /** Its share of disk time, 10 to 1000. */
  readonly blkioWeight?: number;
  readonly ulimits?: readonly Ulimit[];
  /** How soon the kernel kills it when memory is short: -1000 (never) to 1000. */
  readonly oomScoreAdj?: number;
}

/** Docker's floor: below this even a shell is killed while it starts. */
const minMemory = 6 * 1024 * 1024;
/** The kernel's shortest quota is 1 ms of the 100 ms period. */
const minCpus = 0.01;

/** @throws UsageError BAD_VALUE, BAD_FLAG */
export function checkLimitOptions(options: LimitOptions): void {
  checkMemory(options);
  checkCpu(options);
  const { pidsLimit = 0, oomScoreAdj = 0, blkioWeight } = options;
  if (!Number.isSafeInteger(pidsLimit) || pidsLimit < -1)
    throw badValue("--pids-limit", String(pidsLimit), "a whole number, 0 or -1 for no limit");
  if (!(Math.abs(oomScoreAdj) <= 1000))
    throw badValue("--oom-score-adj", String(oomScoreAdj), "a whole number from -1000 to 1000");
  if (blkioWeight !== undefined && !isWithin(blkioWeight, 10, 1000))
    throw badValue("--blkio-weight", String(blkioWeight), "a whole number from 10 to 1000");
}

function checkMemory({ memory, memorySwap, memoryReservation }: LimitOptions): void {
  if (memory !== undefined && !isWithin(memory, minMemory, Number.MAX_SAFE_INTEGER))
    throw badValue("--memory", `${memory} bytes`, "at least 6 MiB");
  if (memoryReservation !== undefined && memoryReservation > (memory ?? Infinity))
    throw badValue("--memory-reservation", `${memoryReservation} bytes`, "at most --memory");
  if (memorySwap === undefined || memorySwap === -1) return;
  if (memory === undefined || memorySwap < memory)
    throw badValue("--memory-swap", `${memorySwap} bytes`, "at least --memory, which it includes, or -1");
}

function checkCpu({ cpus, cpuShares, cpuQuota, cpuPeriod, cpusetCpus, cpusetMems }: LimitOptions): void {
  if (cpus !== undefined && !(Number.isFinite(cpus) && cpus >= minCpus))
    throw badValue("--cpus", String(cpus), "at least 0.01");
  if (cpus !== undefined && (cpuQuota !== undefined || cpuPeriod !== undefined))
    throw new UsageError("BAD_FLAG", "--cpus: conflicts with --cpu-quota and --cpu-period", {
      hint: "give one or the other",
    });
  if (cpuShares !== undefined && !isWithin(cpuShares, 2, 262_144))
    throw badValue("--cpu-shares", String(cpuShares), "a whole number from 2 to 262144");
  if (cpuPeriod !== undefined && !isWithin(cpuPeriod, 1000, 1_000_000))
    throw badValue("--cpu-period", String(cpuPeriod), "1000 to 1000000 microseconds");
  if (cpuQuota !== undefined && cpuQuota !== -1 && !isWithin(cpuQuota, 1000, Number.MAX_SAFE_INTEGER))
    throw badValue("--cpu-quota", String(cpuQuota), "at least 1000 microseconds, or -1");
  for (const [flag, list] of [
    ["--cpuset-cpus", cpusetCpus],
    ["--cpuset-mems", cpusetMems],
  ] as const) {
    if (list !== undefined && !/^[0-9]+(?:-[0-9]+)?(?:,[0-9]+(?:-[0-9]+)?)*$/.test(list))
      throw badValue(flag, printable(list, 60), "numbers and ranges such as 0-3,7");
  }
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}
