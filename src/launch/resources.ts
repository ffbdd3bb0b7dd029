import { LaunchError } from "../core/errors.js";
import type { CpuLimits, LimitResources, MemoryLimits } from "./oci-spec.js";
import type { LimitOptions } from "./options/limits.js";

/** Microseconds; the kernel's and docker's default. */
const defaultPeriod = 100_000;

/**
 * Limits as the spec carries them. Memory and swap together default to twice the memory, as docker's, where the
 * kernel counts swap at all: runtimes fail on a swap limit where it does not.
 */
export function limitResources(options: LimitOptions, swapAccounting: boolean): LimitResources {
  const { pidsLimit = 0, blkioWeight } = options;
  const memory = memoryOf(options, swapAccounting);
  const cpu = cpuOf(options);
  return {
    ...(Object.keys(memory).length === 0 ? {} : { memory }),
    ...(pidsLimit <= 0 ? {} : { pids: { limit: pidsLimit } }),
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    ...(blkioWeight === undefined ? {} : { blockIO: { weight: blkioWeight } }),
  };
}

function memoryOf(options: LimitOptions, swapAccounting: boolean): MemoryLimits {
  const { memory, memorySwap, memoryReservation, oomKillDisable } = options;
  const swap = memorySwap ?? (memory === undefined ? undefined : 2 * memory);
  if (memorySwap !== undefined && !swapAccounting) {
    throw new LaunchError(
      "NO_CGROUP",
      "--memory-swap: the kernel does not count swap (expected swapaccount=1)",
      {
        hint: "leave out --memory-swap, or start the kernel with swapaccount=1",
      },
    );
  }
  return {
    ...(memory === undefined ? {} : { limit: memory }),
    ...(swap === undefined || !swapAccounting ? {} : { swap }),
    ...(memoryReservation === undefined ? {} : { reservation: memoryReservation }),
    ...(oomKillDisable === true ? { disableOOMKiller: true } : {}),
  };
}

function cpuOf({ cpus, cpuShares, cpuQuota, cpuPeriod, cpusetCpus, cpusetMems }: LimitOptions): CpuLimits {
  const quota = cpus === undefined ? cpuQuota : Math.round(cpus * defaultPeriod);
  const period = cpus === undefined ? cpuPeriod : defaultPeriod;
  return {
    ...(cpuShares === undefined ? {} : { shares: cpuShares }),
    ...(quota === undefined ? {} : { quota }),
    ...(period === undefined ? {} : { period }),
    ...(cpusetCpus === undefined ? {} : { cpus: cpusetCpus }),
    ...(cpusetMems === undefined ? {} : { mems: cpusetMems }),
  };
}
