/** Records of a pax extended header, keys as latin1 strings (byte for byte), values as bytes. */
export type PaxRecords = ReadonlyMap<string, Buffer>;

const equals = 0x3d;
const newline = 0x0a;
const space = 0x20;

/** `"LENGTH KEY=VALUE\n"` repeated, LENGTH counting the whole record (POSIX pax, "Extended Header"). Or what is wrong. */
export function parsePax(body: Buffer): PaxRecords | string {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < body.length;) {
    const gap = body.indexOf(space, at);
    const digits = gap < 0 ? "" : body.toString("latin1", at, Math.min(gap, at + 9));
    const end = at + Number(digits);
    if (!/^[1-9][0-9]{0,7}$/.test(digits) || end > body.length)
      return "extended header record has a bad length";
    const sign = body.indexOf(equals, gap);
    if (sign < 0 || sign <= gap + 1 || sign > end - 2 || body[end - 1] !== newline) {
      return "extended header record is not KEY=VALUE";
    }
    records.set(body.toString("latin1", gap + 1, sign), Buffer.from(body.subarray(sign + 1, end - 1)));
    at = end;
  }
  return records;
}
