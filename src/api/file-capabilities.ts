import { capabilityNames } from "../helper/constants.js";
import type { EntryAttributes } from "../store/entry.js";

/** Of `struct vfs_cap_data` (linux/capability.h), little endian: a word of flags, then permitted and inheritable masks. */
const effectiveFlag = 1;
const wordBytes = 4;
const pairBytes = 2 * wordBytes;

/**
 * What `security.capability` lets a program have, as getcap(8) spells it: `cap_net_raw=ep`. Undefined for a file without
 * the attribute, `malformed` for one that the kernel would refuse.
 */
export function fileCapabilities({ xattrs }: Pick<EntryAttributes, "xattrs">): string | undefined {
  const value = xattrs.find(({ name }) => name.toString("latin1") === "security.capability")?.value;
  if (value === undefined) return undefined;
  if (value.length < wordBytes + pairBytes) return "malformed";
  const permitted = maskAt(value, wordBytes);
  const inheritable = maskAt(value, 2 * wordBytes);
  const effective = (value.readUInt32LE(0) & effectiveFlag) === 0 ? "" : "e";
  const texts = [
    listed(permitted & inheritable, `${effective}ip`),
    listed(permitted & ~inheritable, `${effective}p`),
    listed(inheritable & ~permitted, `${effective}i`),
  ];
  return texts.filter((text) => text !== "").join(" ");
}

/** The mask whose low word is at `offset`; its high word, which revision 1 does not have, is a pair further on. */
function maskAt(value: Buffer, offset: number): bigint {
  const high = offset + pairBytes;
  const bits = high + wordBytes <= value.length ? BigInt(value.readUInt32LE(high)) : 0n;
  return (bits << 32n) | BigInt(value.readUInt32LE(offset));
}

function listed(mask: bigint, flags: string): string {
  const names = capabilityNames.filter((_, bit) => (mask & (1n << BigInt(bit))) !== 0n);
  return names.length === 0 ? "" : `${names.join(",").toLowerCase()}=${flags}`;
}
