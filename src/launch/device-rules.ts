import type { DeviceRule, Resources } from "./oci-spec.js";
import type { FileOptions } from "./options/files.js";
import type { IsolationOptions } from "./options/isolation.js";
import type { PlacedMount } from "./mounts.js";

type DeviceOptions = Pick<FileOptions, "deviceRules"> & Pick<IsolationOptions, "privileged">;

/** Docker's rules: nothing but zero, null, urandom, random, tty and console (OCI runtimes add full and the ptys). */
const dockerRules: readonly DeviceRule[] = [
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

/** `linux.resources.devices`: docker's, those of the devices among the mounts, and those asked for. */
export function deviceRulesOf(
  { privileged, deviceRules = [] }: DeviceOptions,
  mounts: readonly PlacedMount[],
): Resources["devices"] {
  if (privileged === true) return [{ allow: true, access: "rwm" }];
  const devices = mounts.flatMap((mount) => (mount.type === "device" ? [mount] : []));
  return [
    ...dockerRules,
    ...devices.map(({ node, major, minor, access }): DeviceRule => ({
      allow: true,
      type: node,
      major,
      minor,
      access,
    })),
    ...deviceRules,
  ];
}

/** Whether nodes may be opened that are not bound one by one: then no mount is `nodev` for our sake (ADR 5, 17). */
export function opensNodes({ privileged, deviceRules = [] }: DeviceOptions): boolean {
  return privileged === true || deviceRules.length > 0;
}

/** Whether it takes a device cgroup: for nodes that it can make, and for a device of which it gets a part. */
export function needsDeviceCgroup(options: DeviceOptions, mounts: readonly PlacedMount[]): boolean {
  if (options.privileged === true) return false;
  const isPart = (mount: PlacedMount): boolean =>
    mount.type === "device" && !["r", "w", "m"].every((letter) => mount.access.includes(letter));
  return opensNodes(options) || mounts.some(isPart);
}
