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
  const number = (from: number, to: number): number => parseNumeric(block.subarray(from, to)) ?? Number.NaN;
  const device = flag === "3" || flag === "4";
  const header = {
    name: fullName(block),
    flag,
    mode: number(100, 108),
    uid: number(108, 116),
    gid: number(116, 124),
    size: number(124, 136),
    mtime: number(136, 148),
    link: textField(block, 157, 257),
    major: device ? number(329, 337) : 0,
    minor: device ? number(337, 345) : 0,
  };
  const bad = (["mode", "uid", "gid", "size", "mtime", "major", "minor"] as const).find((key) =>
    Number.isNaN(header[key]),
  );
  // Some writers keep the file type in the mode; the flag is what counts.
  return bad === undefined
    ? { ...header, mode: header.mode & 0o7777 }
    : `header field ${bad} is not a number`;
}

/** Sum of all bytes with the checksum field read as spaces; some old writers summed signed bytes. */
function checksumHolds(block: Buffer): boolean {
  const stated = parseOctal(block.subarray(checksumAt, checksumEnd));
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < blockBytes; i++) {
    const byte = i >= checksumAt && i < checksumEnd ? 0x20 : (block[i] ?? 0);
    unsigned += byte;
    signed += (byte << 24) >> 24;
  }
  return stated === unsigned || stated === signed;
}

function fullName(block: Buffer): Buffer {
  const name = textField(block, 0, 100);
  const prefix = prefixOf(block);
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from("/"), name]);
}

function prefixOf(block: Buffer): Buffer {
  // "ustar\0" only: GNU's "ustar  " keeps times in these bytes, v7 has no magic.
  if (block.toString("latin1", magicAt, magicAt + 6) !== "ustar\0") return Buffer.alloc(0);
  const isStar = block.toString("latin1", 508, 512) === "tar\0";
  return textField(block, prefixAt, isStar ? prefixAt + 131 : prefixAt + 155);
}

/** A copy: the block is a view of a buffer that is used again. */
function textField(block: Buffer, from: number, to: number): Buffer {
  const end = block.indexOf(0, from);
  return Buffer.from(block.subarray(from, end < 0 || end > to ? to : end));
}
