import type { DeviceRule } from "./oci-spec.js";

/** What a list of rules comes to: the kernel's way of keeping it (security/device_cgroup.c). */
export interface DevicePolicy {
  /** Whether a device of no exception may be used. */
  readonly allow: boolean;
  readonly exceptions: readonly DeviceException[];
}

export interface DeviceException {
  readonly type: "c" | "b";
  /** Undefined: any. */
  readonly major: number | undefined;
  readonly minor: number | undefined;
  /** Letters of `rwm`, in that order. */
  readonly access: string;
}

/**
 * Beyond the spec's, what OCI runtimes let every container do (runc specconv AllowedDevices, crun the same): make any
 * node, and use those of /dev, terminals included.
 */
const runtimeRules: readonly DeviceRule[] = [
  { allow: true, type: "c", access: "m" },
  { allow: true, type: "b", access: "m" },
  ...[
    [1, 3],
    [1, 8],
    [1, 7],
    [5, 0],
    [1, 5],
    [1, 9],
    [5, 2],
  ].map(([major = 0, minor = 0]): DeviceRule => ({ allow: true, type: "c", major, minor, access: "rwm" })),
  { allow: true, type: "c", major: 136, access: "rwm" },
];

/** As runc: the spec's rules in their order, then those of every container. A rule without a type is for all devices. */
export function devicePolicy(rules: readonly DeviceRule[]): DevicePolicy {
  let allow = true;
  const exceptions = new Map<string, DeviceException>();
  for (const rule of [...rules, ...runtimeRules]) {
    if (rule.type === undefined) {
      allow = rule.allow;
      exceptions.clear();
    } else {
      const { type, major, minor } = rule;
      const key = JSON.stringify([type, major, minor]);
      const before = exceptions.get(key)?.access ?? "";
      const has = (letter: string): boolean =>
        rule.allow === allow
          ? before.includes(letter) && !rule.access.includes(letter)
          : before.includes(letter) || rule.access.includes(letter);
      const access = ["r", "w", "m"].filter(has).join("");
      if (access === "") exceptions.delete(key);
      else exceptions.set(key, { type, major, minor, access });
    }
  }
  return { allow, exceptions: [...exceptions.values()] };
}
