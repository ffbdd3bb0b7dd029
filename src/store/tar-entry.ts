import { limits } from "../core/limits.js";
import { printable } from "../core/text.js";
import type { EntryType, LayerEntry, Xattr } from "./entry.js";
import type { PaxRecords } from "./pax.js";
import type { TarHeader } from "./tar-header.js";
import { parseDecimal, parsePaxTime, type Timestamp } from "./tar-number.js";

/** What precedes a header and overrides it. */
export interface Overrides {
  readonly pax: PaxRecords;
  /** From GNU `L` and `K` headers. */
  readonly longName: Buffer | undefined;
  readonly longLink: Buffer | undefined;
}

export interface TarProblem {
  readonly code: "BAD_TAR" | "UNSUPPORTED_LAYER";
  readonly problem: string;
}

const types: Readonly<Record<string, EntryType>> = {
  "\0": "file",
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  // Contiguous file: POSIX says to treat it as a regular one.
  "7": "file",
};
const xattrPrefix = "SCHILY.xattr.";
const sparsePrefix = "GNU.sparse.";
// -1 means "leave alone" to chown, so the largest id is one less.
const maxId = 0xffff_fffe;
const slash = 0x2f;

/** The entry a header and its overrides describe, its data beginning at `offset`; or why there is none. */
export function toEntry(header: TarHeader, overrides: Overrides, offset: number): LayerEntry | TarProblem {
  const { pax } = overrides;
  if (header.flag === "S" || (pax.size > 0 && [...pax.keys()].some((key) => key.startsWith(sparsePrefix)))) {
    return unsupported("sparse files are not supported");
  }
  const declared = types[header.flag];
  if (declared === undefined)
    return unsupported(`entry type ${printable(JSON.stringify(header.flag))} is not supported`);
  const path = overrides.longName ?? text(pax, "path") ?? header.name;
  // v7 tars mark directories only by the slash.
  const type = declared === "file" && path.at(-1) === slash ? "directory" : declared;
  const uid = integer(pax, "uid", header.uid);
  const gid = integer(pax, "gid", header.gid);
  const size = integer(pax, "size", header.size);
  const time = timestamp(pax, header.mtime);
  if (!isId(uid) || !isId(gid)) return malformed("owner is not a number from 0 to 4294967294");
  if (size === undefined || size < 0) return malformed("size is not a number");
  if (!isDevice(header.major) || !isDevice(header.minor)) return malformed("device number is out of range");
  if (time === undefined) return malformed("mtime is not a time");
  const link =
    type === "symlink" || type === "hardlink"
      ? (overrides.longLink ?? text(pax, "linkpath") ?? header.link)
      : empty;
  if (type === "symlink" && !isTarget(link))
    return malformed("symbolic link has a target that is empty, has a NUL byte or is longer than 4095 bytes");
  return {
    path,
    type,
    mode: header.mode,
    uid,
    gid,
    // Only files have data: what other types state is ignored, as Go's archive/tar does.
    size: type === "file" ? size : 0,
    ...time,
    link,
    major: header.major,
    minor: header.minor,
    xattrs: xattrs(pax),
    offset,
  };
}

const empty = Buffer.alloc(0);
const noXattrs: readonly Xattr[] = [];

/** An empty value takes the record back, and the header's own field counts again (POSIX pax). */
function text(pax: PaxRecords, key: string): Buffer | undefined {
  const value = pax.get(key);
  return value === undefined || value.length === 0 ? undefined : value;
}

function integer(pax: PaxRecords, key: string, otherwise: number): number | undefined {
  const value = text(pax, key);
  return value === undefined ? otherwise : parseDecimal(value.toString("latin1"));
}

function timestamp(pax: PaxRecords, seconds: number): Timestamp | undefined {
  const value = text(pax, "mtime");
  return value === undefined ? { mtime: seconds, mtimeNs: 0 } : parsePaxTime(value.toString("latin1"));
}

function xattrs(pax: PaxRecords): readonly Xattr[] {
  if (pax.size === 0) return noXattrs;
  return [...pax]
    .filter(([key]) => key.startsWith(xattrPrefix) && key.length > xattrPrefix.length)
    .map(([key, value]) => ({ name: Buffer.from(key.slice(xattrPrefix.length), "latin1"), value }));
}

/** What symlink(2) takes: PATH_MAX counts the NUL at the end. */
function isTarget(link: Buffer): boolean {
  return link.length > 0 && link.length < limits.pathBytes && !link.includes(0);
}

function isId(value: number | undefined): value is number {
  return value !== undefined && value >= 0 && value <= maxId;
}

function isDevice(value: number): boolean {
  return value >= 0 && value <= 0xffff_ffff;
}

function unsupported(problem: string): TarProblem {
  return { code: "UNSUPPORTED_LAYER", problem };
}

function malformed(problem: string): TarProblem {
  return { code: "BAD_TAR", problem };
}
