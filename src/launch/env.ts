import { UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";

export interface EnvironmentInput {
  /** The image's `Env`, not to be trusted. */
  readonly image: readonly string[];
  /** The user's: `KEY=VALUE`, or `KEY` to unset. */
  readonly user: readonly string[];
  readonly hostname: string;
  /** Home directory from the image's passwd. */
  readonly home: string;
  /** Whether it has a terminal: then TERM is docker's. */
  readonly tty?: boolean;
}

/** moby daemon/pkg/oci/defaults.go */
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The container's whole environment in docker's order: PATH, HOSTNAME, TERM, the user's entries, the image's, HOME. A user
 * entry beats the image's of that name, the last of several wins. Nothing of the host's environment gets in: an image
 * entry without `=` is dropped, never looked up (CVE-2026-57231). @throws UsageError BAD_VALUE
 */
export function environmentOf(input: EnvironmentInput): string[] {
  const env = new Map([
    ["PATH", defaultPath],
    ["HOSTNAME", input.hostname],
    ...(input.tty === true ? ([["TERM", "xterm"]] as const) : []),
  ]);
  const user = parseUserEntries(input.user);
  for (const [key, value] of user) if (value !== undefined) env.set(key, value);
  for (const [key, value] of parseImageEntries(input.image)) if (!user.has(key)) env.set(key, value);
  for (const [key, value] of user) if (value === undefined) env.delete(key);
  // As runc: an empty HOME counts as none.
  if ((env.get("HOME") ?? "") === "") env.set("HOME", input.home);
  return [...env].map(([key, value]) => `${key}=${value}`);
}

/** An environment with the user's entries over it; one without `=` takes its variable away. @throws UsageError BAD_VALUE */
export function mergeEnvironment(base: readonly string[], user: readonly string[]): string[] {
  const env = new Map(parseImageEntries(base));
  for (const [key, value] of parseUserEntries(user)) {
    if (value === undefined) env.delete(key);
    else env.set(key, value);
  }
  return [...env].map(([key, value]) => `${key}=${value}`);
}

function parseUserEntries(entries: readonly string[]): Map<string, string | undefined> {
  const parsed = new Map<string, string | undefined>();
  for (const entry of entries) {
    const equals = entry.indexOf("=");
    const key = equals < 0 ? entry : entry.slice(0, equals);
    if (key === "" || entry.includes("\0")) {
      throw new UsageError(
        "BAD_VALUE",
        `--env: ${printable(entry, 80)}: not a variable (expected KEY=VALUE)`,
      );
    }
    parsed.set(key, equals < 0 ? undefined : entry.slice(equals + 1));
  }
  return parsed;
}

function parseImageEntries(entries: readonly string[]): [key: string, value: string][] {
  return entries
    .filter((entry) => entry.indexOf("=") > 0 && !entry.includes("\0"))
    .map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]);
}
