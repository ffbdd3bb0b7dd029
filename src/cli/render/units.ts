import prettyBytes from "pretty-bytes";

/** `2.49kB`, `13.3MB`: docker's SI units with three digits, rounded. No locale is asked for: that takes 50 µs each. */
export function formatSize(bytes: number): string {
  return prettyBytes(bytes, { space: false });
}

/** `99.99%` of a share from 0 to 1. Cut, not rounded: 99.996 % is not 100 %. */
export function formatPercent(share: number): string {
  return `${(Math.floor(share * 10_000) / 100).toFixed(2)}%`;
}

const steps: readonly (readonly [limit: number, unit: number, name: string])[] = [
  [60, 1, "seconds"],
  [60 * 60, 60, "minutes"],
  [48 * 3600, 3600, "hours"],
  [14 * 86_400, 86_400, "days"],
  [60 * 86_400, 7 * 86_400, "weeks"],
  [730 * 86_400, 30 * 86_400, "months"],
  [Infinity, 365 * 86_400, "years"],
];

/** `3 weeks ago`. Milliseconds since 1970. */
export function formatAge(then: number, now: number): string {
  return `${formatSpan(now - then)} ago`;
}

/** `3 weeks`, in the wording of docker's `units.HumanDuration`. Milliseconds. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds >= 60 && seconds < 120) return "About a minute";
  if (seconds >= 3600 && seconds < 5400) return "About an hour";
  const [, unit, name] = steps.find(([limit]) => seconds < limit) ?? [0, 1, "seconds"];
  return `${Math.floor(seconds / unit)} ${name}`;
}

/** `0.4s`, `12s`, `3m05s`, `2h07m`. */
export function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
}

/** The age of an ISO 8601 time from an image; `N/A` where it is none. */
export function ageOf(created: string | undefined): string {
  const then = Date.parse(created ?? "");
  return Number.isNaN(then) ? "N/A" : formatAge(then, Date.now());
}

/** `2024-05-22 09:48:31 +0000 UTC`, as docker prints an ISO 8601 time; what is no time stays as it is. */
export function dockerTime(created: string | undefined): string {
  const then = new Date(created ?? "");
  if (Number.isNaN(then.getTime())) return created ?? "N/A";
  return `${then.toISOString().replace("T", " ").slice(0, 19)} +0000 UTC`;
}
