/** Numbers in tar headers. All functions return undefined for anything malformed. */

/** The header field at `from` to `to`: octal text padded with spaces or NULs, or base-256 when the first bit is set (GNU, star). */
export function parseNumeric(block: Uint8Array, from: number, to: number): number | undefined {
  const first = block[from] ?? 0;
  return (first & 0x80) === 0 ? parseOctal(block, from, to) : parseBase256(block.subarray(from, to));
}

export function parseOctal(block: Uint8Array, from: number, to: number): number | undefined {
  let at = from;
  let end = to;
  while (at < end && isPadding(block[at])) at++;
  while (end > at && isPadding(block[end - 1])) end--;
  let value = 0;
  for (; at < end; at++) {
    const digit = (block[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) return undefined;
    value = value * 8 + digit;
  }
  return value;
}

// Two's complement, big endian; bit 6 of the first byte is the sign (bit 7 is the marker).
function parseBase256(field: Uint8Array): number | undefined {
  const negative = ((field[0] ?? 0) & 0x40) !== 0;
  let value = 0n;
  for (const byte of field) value = (value << 8n) | BigInt(byte);
  value = BigInt.asIntN(field.length * 8 - 1, value);
  if (negative !== value < 0n) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

function isPadding(byte: number | undefined): boolean {
  return byte === 0 || byte === 0x20;
}

/** A pax integer: decimal digits only. */
export function parseDecimal(text: string): number | undefined {
  if (!/^[0-9]{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

export interface Timestamp {
  readonly mtime: number;
  readonly mtimeNs: number;
}

/** A pax time: `[-]SECONDS[.FRACTION]`, cut to nanoseconds. -1.5 is half a second after -2. */
export function parsePaxTime(text: string): Timestamp | undefined {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(text);
  if (match === null) return undefined;
  const seconds = Number(match[2]);
  const nanoseconds = Number((match[3] ?? "").slice(0, 9).padEnd(9, "0"));
  if (match[1] === "") return { mtime: seconds, mtimeNs: nanoseconds };
  return nanoseconds === 0
    ? { mtime: 0 - seconds, mtimeNs: 0 }
    : { mtime: -seconds - 1, mtimeNs: 1e9 - nanoseconds };
}
