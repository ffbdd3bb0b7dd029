import type { PlacedDevice } from "./devices.js";
import type { PlacedMount } from "./mounts.js";
import type { DeviceRule, Resources } from "./oci-spec.js";
import type { RunOptions } from "./run-options.js";

/** Microseconds; the kernel's and docker's default. */
const cpuPeriod = 100_000;

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
export function resourcesOf(
  options: Pick<RunOptions, "memory" | "pidsLimit" | "cpus">,
  swapAccounting: boolean,
): Resources {
  const { memory, pidsLimit, cpus } = options;
  const swap = swapAccounting && memory !== undefined ? { swap: 2 * memory } : {};
  return {
    devices: deviceRules,
    ...(memory === undefined ? {} : { memory: { limit: memory, ...swap } }),
    ...(pidsLimit === undefined ? {} : { pids: { limit: pidsLimit } }),
    ...(cpus === undefined ? {} : { cpu: { quota: Math.round(cpus * cpuPeriod), period: cpuPeriod } }),
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
