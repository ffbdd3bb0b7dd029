import { capabilityNames } from "../helper/constants.js";

/** What docker leaves a container's root (moby daemon/pkg/oci/caps/defaults.go). */
export const dockerCapabilities: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

/** Bit n is capability n. Throws a plain Error for a name that is not a capability: the caller's bug. */
export function capabilityMask(wanted: readonly string[]): bigint {
  return wanted.reduce((mask, name) => {
    const number = capabilityNames.findIndex((known) => known === name);
    if (number < 0) throw new Error(`not a capability: ${name}`);
    return mask | (1n << BigInt(number));
  }, 0n);
}

/** The sets of this process that limit what it can hand to a container. */
export interface OwnCapabilities {
  readonly permitted: bigint;
  readonly bounding: bigint;
}

/** From the text of /proc/self/status. */
export function parseOwnCapabilities(status: string): OwnCapabilities {
  return { permitted: parseCapabilitySet(status, "CapPrm"), bounding: parseCapabilitySet(status, "CapBnd") };
}

/** One set of /proc/PID/status, such as `CapEff`; 0 where the line is missing. */
export function parseCapabilitySet(status: string, set: "CapEff" | "CapPrm" | "CapBnd"): bigint {
  const hex = new RegExp(`^${set}:\\s*([0-9a-f]{1,16})$`, "m").exec(status)?.[1];
  return hex === undefined ? 0n : BigInt(`0x${hex}`);
}
