import { UsageError } from "./errors.js";
import { printable } from "./text.js";

/** Times and durations as users write them; `flag` is what an error names. */

const durationUnits: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `90s`, `10m`, `1h30m`, `7d`, or `0`, in milliseconds. */
export function parseDuration(flag: string, text: string): number {
  if (text === "0") return 0;
  const parts = [...text.matchAll(/([0-9]+)([smhdw])/g)];
  const milliseconds = parts.reduce(
    (sum, part) => sum + Number(part[1]) * (durationUnits[part[2] ?? ""] ?? NaN),
    0,
  );
  const whole = text !== "" && parts.map((part) => part[0]).join("") === text;
  if (whole && Number.isSafeInteger(milliseconds)) return milliseconds;
  throw badValue(flag, text, "a duration such as 30m, 24h or 7d");
}

/** A point in time as docker takes it, in milliseconds since 1970: RFC 3339, a date, Unix seconds, or `10m` ago. */
export function parseTime(flag: string, text: string, now: number = Date.now()): number {
  if (/^[0-9]+(\.[0-9]+)?$/.test(text)) return Number(text) * 1000;
  if (/^[0-9]{4}-[0-9]{2}-[0-9]{2}/.test(text)) {
    const time = Date.parse(text);
    if (!Number.isNaN(time)) return time;
  } else if (/^[0-9smhdw]+$/.test(text)) return now - parseDuration(flag, text);
  throw badValue(flag, text, "a time such as 2026-01-02T15:04:05Z, Unix seconds, or 10m for ten minutes ago");
}

export function badValue(flag: string, text: string, expected: string): UsageError {
  return new UsageError("BAD_VALUE", `${flag}: ${printable(text, 60)}: not ${expected}`);
}
