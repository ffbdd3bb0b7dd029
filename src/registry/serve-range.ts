/** First byte and the one after the last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * The part of `size` bytes a Range header asks for (RFC 9110 section 14.2): undefined for the whole (no header, several
 * ranges, another unit, nonsense), "unsatisfiable" if it begins after the end.
 */
export function parseRange(header: string | undefined, size: number): Span | "unsatisfiable" | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "");
  const [, first = "", last = ""] = match ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const count = Number(last);
    return count === 0 || size === 0 ? "unsatisfiable" : { start: Math.max(0, size - count), end: size };
  }
  const start = Number(first);
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  if (last !== "" && Number(last) < start) return undefined;
  return start >= size ? "unsatisfiable" : { start, end };
}
