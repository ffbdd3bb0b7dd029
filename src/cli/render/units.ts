import prettyBytes from "pretty-bytes";

/** `2.49kB`, `13.3MB`: docker's SI units with three digits. */
export function formatSize(bytes: number): string {
  return prettyBytes(bytes, { space: false, maximumFractionDigits: bytes < 1000 ? 0 : 2 }).replace(
    /^(\d{2,3})\.\d+/,
    (match, whole: string) => (whole.length === 3 ? whole : match.slice(0, 4)),
  );
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

/** `3 weeks ago`, in the wording of docker's `units.HumanDuration`. Milliseconds since 1970. */
export function formatAge(then: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - then) / 1000));
  if (seconds < 1) return "less than a second ago";
  if (seconds === 1) return "1 second ago";
  if (seconds >= 60 && seconds < 120) return "about a minute ago";
  if (seconds >= 3600 && seconds < 5400) return "about an hour ago";
  const [, unit, name] = steps.find(([limit]) => seconds < limit) ?? [0, 1, "seconds"];
  return `${Math.floor(seconds / unit)} ${name} ago`;
}
