import type { EntryMeta } from "./entries.js";

/**
 * Records of the stream `create-entries` reads; `helper/records.c` is the other side. Little endian, every record:
 *
 *     0  u32 bytes after this field        24  i64 mtime
 *     4  u8  operation                     32  u32 tar index | device major | link target length
 *     6  u16 name length                   36  u32 xattr count
 *     8  u32 mode, u32 uid, u32 gid        40  u64 data offset | device minor
 *    20  u32 mtime nanoseconds             48  u64 data size
 *    56  name NUL, [target NUL,] then per xattr: u16 name length, u32 value length, name NUL, value
 *
 * One fixed header for all operations: a record costs one allocation here and no branching there.
 */
const headerBytes = 56;
const xattrHeaderBytes = 6;

/** `enum operation` in helper/records.h has the same numbers. */
const operation = { root: 1, dir: 2, up: 3, file: 4, symlink: 5, node: 6, link: 7, enter: 8 } as const;
const operationAt = 4;

export interface FileData {
  /** Index into the plan step's `tars`. */
  readonly tar: number;
  /** Bytes from the start of the tar. */
  readonly offset: number;
  readonly size: number;
}

const nothing = new Uint8Array(0);
const noMeta: EntryMeta = { mode: 0, uid: 0, gid: 0, mtime: 0, mtimeNs: 0, xattrs: [] };
const up = record(operation.up, nothing, noMeta);

/** First record: metadata of the root directory itself, applied by the `up` that leaves it. */
export function rootRecord(meta: EntryMeta): Buffer {
  return record(operation.root, nothing, meta);
}

/** Creates a directory and enters it. Its metadata is applied by the matching `up`, after its children. */
export function dirRecord(name: Uint8Array, meta: EntryMeta): Buffer {
  return record(operation.dir, name, meta);
}

/** For `write-tree` alone: enters what is a directory by this name, links followed inside the root, or makes one. */
export function enterRecord(name: Uint8Array): Buffer {
  return record(operation.enter, name, noMeta);
}

/** Leaves the current directory. One more `up` than `dir` records ends the stream: the last one leaves the root. */
export function upRecord(): Buffer {
  return up;
}

export function fileRecord(name: Uint8Array, meta: EntryMeta, data: FileData): Buffer {
  const bytes = record(operation.file, name, meta);
  bytes.writeUInt32LE(data.tar, 32);
  writeUInt64(bytes, data.offset, 40);
  writeUInt64(bytes, data.size, 48);
  return bytes;
}

export function symlinkRecord(name: Uint8Array, meta: EntryMeta, target: Uint8Array): Buffer {
  return record(operation.symlink, name, meta, target);
}

/** Device, fifo or socket; the type is in `meta.mode`. */
export function nodeRecord(
  name: Uint8Array,
  meta: EntryMeta,
  device: { readonly major: number; readonly minor: number },
): Buffer {
  const bytes = record(operation.node, name, meta);
  bytes.writeUInt32LE(device.major, 32);
  writeUInt64(bytes, device.minor, 40);
  return bytes;
}

/** Hard link to an entry made earlier; `targetPath` runs from the root, without a leading slash. */
export function linkRecord(name: Uint8Array, targetPath: Uint8Array): Buffer {
  return record(operation.link, name, noMeta, targetPath);
}

// allocUnsafe: called 100,000 times an image, and every byte below is written.
function record(op: number, name: Uint8Array, meta: EntryMeta, target?: Uint8Array): Buffer {
  let size = headerBytes + name.length + 1 + (target === undefined ? 0 : target.length + 1);
  for (const { name: key, value } of meta.xattrs) size += xattrHeaderBytes + key.length + 1 + value.length;
  const bytes = Buffer.allocUnsafe(size);
  bytes.writeUInt32LE(size - 4, 0);
  bytes.writeUInt16LE(op, operationAt);
  bytes.writeUInt16LE(name.length, 6);
  bytes.writeUInt32LE(meta.mode, 8);
  bytes.writeUInt32LE(meta.uid, 12);
  bytes.writeUInt32LE(meta.gid, 16);
  bytes.writeUInt32LE(meta.mtimeNs, 20);
  bytes.writeUInt32LE((meta.mtime % 0x1_0000_0000) >>> 0, 24);
  bytes.writeInt32LE(Math.floor(meta.mtime / 0x1_0000_0000), 28);
  bytes.writeUInt32LE(target?.length ?? 0, 32);
  bytes.writeUInt32LE(meta.xattrs.length, 36);
  bytes.fill(0, 40, headerBytes);
  let at = putText(bytes, name, headerBytes);
  if (target !== undefined) at = putText(bytes, target, at);
  for (const xattr of meta.xattrs) at = putXattr(bytes, xattr, at);
  return bytes;
}

function putText(bytes: Buffer, text: Uint8Array, at: number): number {
  bytes.set(text, at);
  bytes[at + text.length] = 0;
  return at + text.length + 1;
}

function putXattr(bytes: Buffer, xattr: EntryMeta["xattrs"][number], at: number): number {
  bytes.writeUInt16LE(xattr.name.length, at);
  bytes.writeUInt32LE(xattr.value.length, at + 2);
  const value = putText(bytes, xattr.name, at + xattrHeaderBytes);
  bytes.set(xattr.value, value);
  return value + xattr.value.length;
}

function writeUInt64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32LE(value % 0x1_0000_0000, at);
  bytes.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4);
}
