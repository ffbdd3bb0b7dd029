import { isUtf8 } from "node:buffer";
import type { EntryType, LayerEntry } from "./entry.js";
import { blockBytes } from "./tar-header.js";

/** An entry to write: a {@link LayerEntry} without the place of its data. */
export type TarEntry = Omit<LayerEntry, "offset">;

const flags: Readonly<Record<EntryType, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  char: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};
const nameBytes = 100;
// What fits the octal digits of a field (POSIX ustar); more goes into a pax record.
const maxId = 0o7777777;
const maxLong = 0o77777777777;

/**
 * The header blocks of an entry: ustar, with a pax header before it for whatever ustar cannot say. The data, padded
 * by {@link tarPadding}, is to follow. Bytes of names, links and attributes are written as they are.
 */
export function encodeTarEntry(entry: TarEntry): Buffer {
  const records = paxRecords(entry);
  const header = encodeHeader(entry);
  if (records.length === 0) return header;
  const body = Buffer.concat(records);
  const pax = encodeHeader({
    ...noAttributes,
    path: Buffer.from("pax"),
    type: "file",
    size: body.length,
    flag: "x",
  });
  return Buffer.concat([pax, body, tarPadding(body.length), header]);
}

/** Zeros up to the next block. */
export function tarPadding(size: number): Buffer {
  return zeros.subarray(0, (blockBytes - (size % blockBytes)) % blockBytes);
}

/** Two zero blocks end an archive. */
export const tarEnd: Buffer = Buffer.alloc(2 * blockBytes);

const zeros = Buffer.alloc(blockBytes);
const empty = Buffer.alloc(0);
const noAttributes = {
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: 0,
  mtimeNs: 0,
  xattrs: [],
  link: empty,
  major: 0,
  minor: 0,
} as const;

function encodeHeader(entry: TarEntry & { readonly flag?: string }): Buffer {
  const block = Buffer.alloc(blockBytes);
  entry.path.copy(block, 0, 0, nameBytes);
  octal(block, entry.mode, [100, 7]);
  octal(block, clamp(entry.uid, maxId), [108, 7]);
  octal(block, clamp(entry.gid, maxId), [116, 7]);
  octal(block, clamp(entry.size, maxLong), [124, 11]);
  octal(block, clamp(entry.mtime, maxLong), [136, 11]);
  block.write(entry.flag ?? flags[entry.type], 156, "latin1");
  entry.link.copy(block, 157, 0, nameBytes);
  block.write("ustar\u000000", 257, "latin1");
  device(block, entry.major, 329);
  device(block, entry.minor, 337);
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function octal(block: Buffer, value: number, [at, digits]: readonly [number, number]): void {
  block.write(value.toString(8).padStart(digits, "0"), at, "latin1");
}

/** What is out of range stands in a pax record; old readers see the nearest value. */
function clamp(value: number, max: number): number {
  return Math.min(Math.max(value, 0), max);
}

/** pax has no record for device numbers: big ones are binary, as GNU tar writes and reads them. */
function device(block: Buffer, value: number, at: number): void {
  if (value <= maxId) return octal(block, value, [at, 7]);
  block[at] = 0x80;
  block.writeUInt32BE(value, at + 4);
}

function paxRecords(entry: TarEntry): Buffer[] {
  const records: Buffer[] = [];
  const names = [
    ["path", entry.path],
    ["linkpath", entry.link],
  ] as const;
  const long = names.filter(([, value]) => value.length > nameBytes);
  // POSIX pax: without it names in records are UTF-8.
  if (long.some(([, value]) => !isUtf8(value))) records.push(record("hdrcharset", Buffer.from("BINARY")));
  for (const [key, value] of long) records.push(record(key, value));
  if (entry.size > maxLong) records.push(record("size", Buffer.from(String(entry.size))));
  if (entry.uid > maxId) records.push(record("uid", Buffer.from(String(entry.uid))));
  if (entry.gid > maxId) records.push(record("gid", Buffer.from(String(entry.gid))));
  if (entry.mtimeNs !== 0 || entry.mtime !== clamp(entry.mtime, maxLong)) {
    records.push(record("mtime", Buffer.from(paxTime(entry.mtime, entry.mtimeNs))));
  }
  for (const { name, value } of entry.xattrs) {
    records.push(record(`SCHILY.xattr.${name.toString("latin1")}`, value));
  }
  return records;
}

/** `LENGTH KEY=VALUE\n`, LENGTH counting its own digits too. */
function record(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, "latin1"), value, Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length++;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** Seconds with nine decimals; `ns` counts forward from `seconds`, also before 1970, where pax counts backward. */
function paxTime(seconds: number, ns: number): string {
  if (ns === 0) return String(seconds);
  const [whole, part, sign] = seconds >= 0 ? [seconds, ns, ""] : [-seconds - 1, 1_000_000_000 - ns, "-"];
  return `${sign}${whole}.${String(part).padStart(9, "0")}`;
}
