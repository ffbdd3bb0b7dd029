import { parseNumeric, parseOctal } from "./tar-number.js";

/** One 512-byte header block, decoded but not interpreted. */
export interface TarHeader {
  readonly name: Buffer;
  /** The type flag as a character; "\0" is an old regular file. */
  readonly flag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly link: Buffer;
  readonly major: number;
  readonly minor: number;
}

export const blockBytes = 512;

const checksumAt = 148;
const checksumEnd = 156;
const magicAt = 257;
const prefixAt = 345;

export function isZeroBlock(block: Buffer): boolean {
  for (let i = 0; i < blockBytes; i += 4) if (block.readInt32LE(i) !== 0) return false;
  return true;
}

/** The header in `block`, or what is wrong with it. POSIX.1-1988 ustar, GNU, star and v7 layouts. */
export function parseTarHeader(block: Buffer): TarHeader | string {
  if (!checksumHolds(block)) return "header checksum does not match (not a tar, or damaged)";
  const flag = String.fromCharCode(block[156] ?? 0);
  const device = flag === "3" || flag === "4";
  const mode = parseNumeric(block, 100, 108);
  const uid = parseNumeric(block, 108, 116);
  const gid = parseNumeric(block, 116, 124);
  const size = parseNumeric(block, 124, 136);
  const mtime = parseNumeric(block, 136, 148);
  const major = device ? parseNumeric(block, 329, 337) : 0;
  const minor = device ? parseNumeric(block, 337, 345) : 0;
  if (mode === undefined) return notNumber("mode");
  if (uid === undefined) return notNumber("uid");
  if (gid === undefined) return notNumber("gid");
  if (size === undefined) return notNumber("size");
  if (mtime === undefined) return notNumber("mtime");
  if (major === undefined) return notNumber("major");
  if (minor === undefined) return notNumber("minor");
  const texts = { name: fullName(block), link: textField(block, 157, 257) };
  // Some writers keep the file type in the mode; the flag is what counts.
  return { ...texts, flag, mode: mode & 0o7777, uid, gid, size, mtime, major, minor };
}

function notNumber(field: string): string {
  return `header field ${field} is not a number`;
}

/** Sum of all bytes with the checksum field read as spaces; some old writers summed signed bytes. */
function checksumHolds(block: Buffer): boolean {
  const stated = parseOctal(block, checksumAt, checksumEnd);
  let sum = (checksumEnd - checksumAt) * 0x20;
  let high = 0;
  for (let i = 0; i < blockBytes; i++) {
    const byte = block[i] as number;
    sum += byte;
    high += byte >> 7;
  }
  for (let i = checksumAt; i < checksumEnd; i++) {
    const byte = block[i] as number;
    sum -= byte;
    high -= byte >> 7;
  }
  return stated === sum || stated === sum - 256 * high;
}

function fullName(block: Buffer): Buffer {
  const name = textField(block, 0, 100);
  // "ustar\0" only: GNU's "ustar  " keeps times in these bytes, v7 has no magic.
  if (block[prefixAt] === 0 || block.toString("latin1", magicAt, magicAt + 6) !== "ustar\0") return name;
  const isStar = block.toString("latin1", 508, 512) === "tar\0";
  const prefix = textField(block, prefixAt, isStar ? prefixAt + 131 : prefixAt + 155);
  return Buffer.concat([prefix, slash, name]);
}

const slash = Buffer.from("/");
const nothing = Buffer.alloc(0);

/** A copy: the block is a view of a buffer that is used again. */
function textField(block: Buffer, from: number, to: number): Buffer {
  if (block[from] === 0) return nothing;
  const end = block.indexOf(0, from);
  return Buffer.from(block.subarray(from, end < 0 || end > to ? to : end));
}
