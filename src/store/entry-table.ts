import { StoreError } from "../core/errors.js";
import { entryTypes, type LayerEntry, type Xattr } from "./entry.js";

/**
 * `layers/DIFFID/entries`: what the layer's tar holds, one record per entry in tar order. Little endian:
 *
 *     magic "PRENTRY1"
 *     record:  u32 bytes after this field
 *              u8 type, u8 0, u16 mode, u32 uid, u32 gid, u32 major, u32 minor, u32 mtime nanoseconds
 *              f64 mtime seconds, f64 size, f64 data offset
 *              u32 path bytes, u32 link bytes, u32 xattr count
 *              path, link, then per xattr: u32 name bytes, u32 value bytes, name, value
 *     end:     u32 0xffffffff, f64 count of records
 *
 * Doubles hold every integer up to 2^53, which no tar exceeds.
 */
const magic = Buffer.from("PRENTRY1");
const fixedBytes = 60;
const endMark = 0xffff_ffff;
const endBytes = 12;
/** Records are handed on in pieces of this size. */
const bufferBytes = 256 * 1024;

export interface EntryTableWriter {
  add(entry: LayerEntry): void;
  /** Writes the end mark; a table without it is not read. */
  finish(): void;
}

/** `sink` gets the table in pieces and must be done with each when it returns. */
export function createEntryTableWriter(sink: (piece: Buffer) => void): EntryTableWriter {
  let buffer = Buffer.allocUnsafe(bufferBytes);
  let used = magic.copy(buffer);
  let count = 0;
  const reserve = (bytes: number): number => {
    if (used + bytes > buffer.length) {
      sink(buffer.subarray(0, used));
      if (bytes > buffer.length) buffer = Buffer.allocUnsafe(bytes);
      used = 0;
    }
    const at = used;
    used += bytes;
    return at;
  };
  return {
    add(entry) {
      const bytes = recordBytes(entry);
      const at = reserve(bytes);
      encode(buffer.subarray(at, used), entry);
      count++;
    },
    finish() {
      const at = reserve(endBytes);
      buffer.writeUInt32LE(endMark, at);
      buffer.writeDoubleLE(count, at + 4);
      sink(buffer.subarray(0, used));
    },
  };
}

function recordBytes(entry: LayerEntry): number {
  let bytes = 4 + fixedBytes + entry.path.length + entry.link.length;
  for (const { name, value } of entry.xattrs) bytes += 8 + name.length + value.length;
  return bytes;
}

function encode(record: Buffer, entry: LayerEntry): void {
  record.writeUInt32LE(record.length - 4, 0);
  record.writeUInt16LE(entryTypes.indexOf(entry.type), 4);
  record.writeUInt16LE(entry.mode, 6);
  record.writeUInt32LE(entry.uid, 8);
  record.writeUInt32LE(entry.gid, 12);
  record.writeUInt32LE(entry.major, 16);
  record.writeUInt32LE(entry.minor, 20);
  record.writeUInt32LE(entry.mtimeNs, 24);
  record.writeDoubleLE(entry.mtime, 28);
  record.writeDoubleLE(entry.size, 36);
  record.writeDoubleLE(entry.offset, 44);
  record.writeUInt32LE(entry.path.length, 52);
  record.writeUInt32LE(entry.link.length, 56);
  record.writeUInt32LE(entry.xattrs.length, 60);
  let at = 4 + fixedBytes;
  at += entry.path.copy(record, at);
  at += entry.link.copy(record, at);
  for (const { name, value } of entry.xattrs) {
    record.writeUInt32LE(name.length, at);
    record.writeUInt32LE(value.length, at + 4);
    at += 8;
    at += name.copy(record, at);
    at += value.copy(record, at);
  }
}

/** The entries of a table, which must be whole. Buffers are views of `table`. @throws StoreError CORRUPT */
export function* readEntryTable(what: string, table: Buffer): Generator<LayerEntry, void> {
  const corrupt = (): StoreError =>
    new StoreError("CORRUPT", `${what}: entry table is damaged`, {
      hint: "remove the image with `pullrun rmi` and pull it again",
    });
  if (!table.subarray(0, magic.length).equals(magic)) throw corrupt();
  // Buffer's own readers of doubles take ten times as long.
  const view = new DataView(table.buffer, table.byteOffset, table.length);
  let at = magic.length;
  for (let count = 0; at + 4 <= table.length; count++) {
    const bytes = view.getUint32(at, true);
    if (bytes === endMark) {
      if (at + endBytes !== table.length || view.getFloat64(at + 4, true) !== count) throw corrupt();
      return;
    }
    const end = at + 4 + bytes;
    const entry = bytes < fixedBytes || end > table.length ? undefined : decode({ table, view }, at, end);
    if (entry === undefined) throw corrupt();
    yield entry;
    at = end;
  }
  throw corrupt();
}

interface Table {
  readonly table: Buffer;
  /** Of the same bytes. */
  readonly view: DataView;
}

/**
 * The record from `at` to `end`; undefined if the lengths inside it do not add up, or a number is none that a tar has.
 * A view per field is dear, and a hundred thousand records are nothing special: fields are read in place, and what is
 * empty has no view of its own.
 */
function decode({ table, view }: Table, at: number, end: number): LayerEntry | undefined {
  const type = entryTypes[view.getUint16(at + 4, true)];
  const pathAt = at + 4 + fixedBytes;
  const linkAt = pathAt + view.getUint32(at + 52, true);
  const linkEnd = linkAt + view.getUint32(at + 56, true);
  const count = view.getUint32(at + 60, true);
  const xattrs = linkEnd > end ? undefined : decodeXattrs(table, { at: linkEnd, end, count });
  const mtimeNs = view.getUint32(at + 24, true);
  const mtime = view.getFloat64(at + 28, true);
  const size = view.getFloat64(at + 36, true);
  const offset = view.getFloat64(at + 44, true);
  if (type === undefined || xattrs === undefined) return undefined;
  if (!Number.isSafeInteger(mtime) || mtimeNs >= 1e9 || !isByteCount(size) || !isByteCount(offset))
    return undefined;
  return {
    type,
    mode: view.getUint16(at + 6, true),
    uid: view.getUint32(at + 8, true),
    gid: view.getUint32(at + 12, true),
    major: view.getUint32(at + 16, true),
    minor: view.getUint32(at + 20, true),
    mtimeNs,
    mtime,
    size,
    offset,
    path: table.subarray(pathAt, linkAt),
    link: linkAt === linkEnd ? noLink : table.subarray(linkAt, linkEnd),
    xattrs,
  };
}

function isByteCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

const noLink = Buffer.alloc(0);
const noXattrs: readonly Xattr[] = [];

function decodeXattrs(
  table: Buffer,
  { at, end, count }: { readonly at: number; readonly end: number; readonly count: number },
): readonly Xattr[] | undefined {
  if (count === 0) return at === end ? noXattrs : undefined;
  const xattrs: Xattr[] = [];
  let next = at;
  for (let i = 0; i < count; i++) {
    if (next + 8 > end) return undefined;
    const value = next + 8 + table.readUInt32LE(next);
    const valueEnd = value + table.readUInt32LE(next + 4);
    if (valueEnd > end) return undefined;
    xattrs.push({ name: table.subarray(next + 8, value), value: table.subarray(value, valueEnd) });
    next = valueEnd;
  }
  return next === end ? xattrs : undefined;
}
