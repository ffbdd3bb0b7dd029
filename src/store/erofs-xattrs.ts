import { LayerError } from "../core/errors.js";
import type { Xattr } from "./entry.js";
import { align } from "./erofs-format.js";

/** erofs_fs.h, EROFS_XATTR_INDEX_*. The ACLs are whole names. */
const prefixes = [
  { prefix: "system.posix_acl_access", index: 2, whole: true },
  { prefix: "system.posix_acl_default", index: 3, whole: true },
  { prefix: "user.", index: 1, whole: false },
  { prefix: "trusted.", index: 4, whole: false },
  { prefix: "security.", index: 6, whole: false },
] as const;

const headerBytes = 12;
const entryBytes = 4;
/** i_xattr_icount has 16 bits and counts in units of 4 bytes. */
const maxBytes = headerBytes + 4 * 0xfffe;
const empty = Buffer.alloc(0);

/**
 * The attributes as they follow an inode: empty without any, else a multiple of 4 bytes.
 * @throws LayerError UNSUPPORTED_LAYER for a size the format has no room for
 */
export function encodeXattrs(xattrs: readonly Pick<Xattr, "name" | "value">[]): Buffer {
  if (xattrs.length === 0) return empty;
  const encoded = Buffer.concat([Buffer.alloc(headerBytes), ...xattrs.map(encodeXattr)]);
  if (encoded.length > maxBytes) throw tooLarge("extended attributes");
  return encoded;
}

function encodeXattr({ name, value }: Pick<Xattr, "name" | "value">): Buffer {
  const text = name.toString("latin1");
  const known = prefixes.find(({ prefix, whole }) => (whole ? text === prefix : text.startsWith(prefix)));
  if (known === undefined) throw new Error(`the owner policy has let ${JSON.stringify(text)} pass`);
  const suffix = name.subarray(known.prefix.length);
  if (value.length > 0xffff) throw tooLarge("extended attribute");
  const entry = Buffer.alloc(align(entryBytes + suffix.length + value.length, 4));
  entry.writeUInt8(suffix.length, 0);
  entry.writeUInt8(known.index, 1);
  entry.writeUInt16LE(value.length, 2);
  suffix.copy(entry, entryBytes);
  value.copy(entry, entryBytes + suffix.length);
  return entry;
}

function tooLarge(what: string): LayerError {
  return new LayerError("UNSUPPORTED_LAYER", `erofs: ${what} too large for the format`);
}
