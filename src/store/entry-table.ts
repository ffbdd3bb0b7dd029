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
  let at = magic.length;
  for (let count = 0; at + 4 <= table.length; count++) {
    const bytes = table.readUInt32LE(at);
    if (bytes === endMark) {
      if (at + endBytes !== table.length || table.readDoubleLE(at + 4) !== count) throw corrupt();
      return;
    }
    const end = at + 4 + bytes;
    const entry = bytes < fixedBytes || end > table.length ? undefined : decode(table.subarray(at, end));
    if (entry === undefined) throw corrupt();
    yield entry;
    at = end;
  }
  throw corrupt();
}

/** Undefined if the lengths inside the record do not add up to it. */
function decode(record: Buffer): LayerEntry | undefined {
  const type = entryTypes[record.readUInt16LE(4)];
  const pathEnd = 4 + fixedBytes + record.readUInt32LE(52);
  const linkEnd = pathEnd + record.readUInt32LE(56);
  const xattrs =
    linkEnd > record.length ? undefined : decodeXattrs(record.subarray(linkEnd), record.readUInt32LE(60));
  if (type === undefined || xattrs === undefined) return undefined;
  return {
    type,
    mode: record.readUInt16LE(6),
    uid: record.readUInt32LE(8),
    gid: record.readUInt32LE(12),
    major: record.readUInt32LE(16),
    minor: record.readUInt32LE(20),
    mtimeNs: record.readUInt32LE(24),
    mtime: record.readDoubleLE(28),
    size: record.readDoubleLE(36),
    offset: record.readDoubleLE(44),
    path: record.subarray(4 + fixedBytes, pathEnd),
    link: record.subarray(pathEnd, linkEnd),
    xattrs,
  };
}

const noXattrs: readonly Xattr[] = [];

function decodeXattrs(bytes: Buffer, count: number): readonly Xattr[] | undefined {
  if (count === 0) return bytes.length === 0 ? noXattrs : undefined;
  const xattrs: Xattr[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 8 > bytes.length) return undefined;
    const value = at + 8 + bytes.readUInt32LE(at);
    const end = value + bytes.readUInt32LE(at + 4);
    if (end > bytes.length) return undefined;
    xattrs.push({ name: bytes.subarray(at + 8, value), value: bytes.subarray(value, end) });
    at = end;
  }
  return at === bytes.length ? xattrs : undefined;
}
