import { LaunchError } from "../core/errors.js";
import type { PlacedDevice } from "./devices.js";
import type { PlacedMount } from "./mounts.js";
import type { CpuLimits, DeviceRule, MemoryLimits, Resources } from "./oci-spec.js";
import type { LimitOptions } from "./options/limits.js";

/** Microseconds; the kernel's and docker's default. */
const defaultPeriod = 100_000;

/** Docker's rules: nothing but zero, null, urandom, random, tty and console (OCI runtimes add full and the ptys). */
const deviceRules: readonly DeviceRule[] = [
  { allow: false, access: "rwm" },
  ...[
    [1, 5],
    [1, 3],
    [1, 9],
    [1, 8],
    [5, 0],
    [5, 1],
  ].map(([major = 0, minor = 0]): DeviceRule => ({ allow: true, type: "c", major, minor, access: "rwm" })),
  { allow: false, type: "c", major: 10, minor: 229, access: "rwm" },
];

/**
 * Limits as the spec carries them. Memory and swap together default to twice the memory, as docker's, where the
 * kernel counts swap at all: runtimes fail on a swap limit where it does not.
 */
export function resourcesOf(options: LimitOptions, swapAccounting: boolean): Resources {
  const { pidsLimit = 0, blkioWeight } = options;
  const memory = memoryOf(options, swapAccounting);
  const cpu = cpuOf(options);
  return {
    devices: deviceRules,
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

/** With the devices among the mounts, for the device cgroup where there is one. */
export function withDevices(resources: Resources, mounts: readonly PlacedMount[]): Resources {
  const rules = mounts.flatMap((mount) => (mount.type === "device" ? [deviceRule(mount)] : []));
  return rules.length === 0 ? resources : { ...resources, devices: [...resources.devices, ...rules] };
}

function deviceRule({ node, major, minor, access }: PlacedDevice): DeviceRule {
  return { allow: true, type: node, major, minor, access };
}
