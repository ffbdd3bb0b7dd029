import { LaunchError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { capabilityNames } from "../helper/constants.js";
import { badValue } from "./options/bad-value.js";
import type { IsolationOptions } from "./options/isolation.js";

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

/**
 * What a container may have (moby daemon/pkg/oci/caps `TweakCapabilities`): `ALL` with the others taken away or, dropped,
 * with only those added.
 * @param own what we can give: everything, in a user namespace (undefined)
 * @throws UsageError BAD_VALUE; LaunchError NO_CAPABILITY for one by name that we do not have
 */
export function capabilitiesOf(
  { privileged, capAdd = [], capDrop = [] }: Pick<IsolationOptions, "privileged" | "capAdd" | "capDrop">,
  own: OwnCapabilities | undefined,
): readonly string[] {
  const ours = own === undefined ? capabilityNames : capabilityNames.filter((name) => mayGive(name, own));
  if (privileged === true) return ours;
  const add = capAdd.map((name) => capabilityName("--cap-add", name));
  const drop = capDrop.map((name) => capabilityName("--cap-drop", name));
  const missing = own === undefined ? undefined : add.find((name) => name !== all && !mayGive(name, own));
  if (missing !== undefined) throw lacking(missing);
  if (add.includes(all)) return ours.filter((name) => !drop.includes(name));
  const kept = drop.includes(all) ? [] : dockerCapabilities.filter((name) => !drop.includes(name));
  return capabilityNames.filter((name) => kept.includes(name) || add.includes(name));
}

const all = "ALL";

function mayGive(name: string, own: OwnCapabilities): boolean {
  const bit = capabilityMask([name]);
  return (own.permitted & own.bounding & bit) !== 0n;
}

function capabilityName(flag: string, text: string): string {
  const upper = text.toUpperCase();
  if (upper === all) return all;
  const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  if (capabilityNames.some((known) => known === name)) return name;
  throw badValue(flag, printable(text, 60), "ALL or a capability such as NET_ADMIN");
}

function lacking(name: string): LaunchError {
  return new LaunchError(
    "NO_CAPABILITY",
    `--cap-add: ${name}: not among our own capabilities (expected there)`,
    {
      hint: "nobody can give what they do not have: run outside this container or sandbox, or leave it out",
    },
  );
}

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
