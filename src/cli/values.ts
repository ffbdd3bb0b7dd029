import { UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { badValue } from "../core/times.js";
import type { Flags } from "./command.js";

const units: Readonly<Record<string, number>> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** Docker's sizes: `512m`, `1.5g`, `64MiB`, plain bytes. */
export function parseSize(flag: string, text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)([bkmgt]?)(?:i?b)?$/i.exec(text);
  const bytes =
    match === null ? NaN : Math.floor(Number(match[1]) * (units[(match[2] ?? "").toLowerCase()] ?? 1));
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw badValue(flag, text, "a size above zero such as 512m or 2g");
}

export function parseCount(flag: string, text: string): number {
  const value = Number(text);
  if (/^-?[0-9]+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw badValue(flag, text, "a whole number");
}

export function parseCpus(flag: string, text: string): number {
  const value = Number(text);
  // The kernel's smallest quota is 1 ms of a 100 ms period.
  if (/^[0-9]*\.?[0-9]+$/.test(text) && value >= 0.01) return value;
  throw badValue(flag, text, "a number of CPUs of at least 0.01, such as 1.5");
}

export function parseMask(flag: string, text: string): number {
  if (/^[0-7]{1,4}$/.test(text)) return parseInt(text, 8);
  throw badValue(flag, text, "an octal mask such as 0027");
}

/** A share of a whole, 0 to 1. */
export function parseShare(flag: string, text: string): number {
  const value = Number(text);
  if (/^[0-9]*\.?[0-9]+$/.test(text) && value <= 1) return value;
  throw badValue(flag, text, "a share from 0 to 1, such as 0.95");
}

/** How many levels or rows of something. */
export function parseAtLeast(least: 0 | 1): (flag: string, text: string) => number {
  return (flag, text) => {
    const value = parseCount(flag, text);
    if (value >= least) return value;
    throw badValue(flag, text, `a whole number of at least ${least}`);
  };
}

export function parsePort(flag: string, text: string): number {
  const value = parseCount(flag, text);
  if (value >= 0 && value <= 65_535) return value;
  throw badValue(flag, text, "a port from 0 to 65535");
}

export function parseJobs(flag: string, text: string): number {
  const value = parseCount(flag, text);
  if (value >= 1 && value <= 100) return value;
  throw badValue(flag, text, "a number from 1 to 100");
}

/**
 * The KEY=VALUE lines of an `--env-file`, as docker reads it: blank lines and `#` lines skipped, quotes kept, a bare
 * KEY copied from our environment where it is set there.
 */
export function parseEnvFile(text: string, lookup: (name: string) => string | undefined): string[] {
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  return lines.flatMap((line) => {
    const entry = line.trimStart();
    return entry === "" || entry.startsWith("#") ? [] : resolveVariable(entry, lookup);
  });
}

/** `KEY=VALUE` as it is; a bare `KEY` with our own value, or nothing where we have none. */
export function resolveVariable(entry: string, lookup: (name: string) => string | undefined): string[] {
  if (entry.startsWith("=") || entry.trim() === "") {
    throw new UsageError("BAD_VALUE", `--env: ${printable(entry, 60)}: no variable name`);
  }
  if (entry.includes("=")) return [entry];
  const value = lookup(entry);
  return value === undefined ? [] : [`${entry}=${value}`];
}

/** The template of `--format`; undefined for docker's other words for the usual output, `table` and ''. */
export function templateOf(flags: Flags): string | undefined {
  const text = flags.text("format");
  return text === "" || text === "table" ? undefined : text;
}

/** The flag's value through `parse`, undefined where it was not given. */
export function parsed<T>(
  flags: Flags,
  name: string,
  parse: (flag: string, text: string) => T,
): T | undefined {
  const text = flags.text(name);
  return text === undefined ? undefined : parse(`--${name}`, text);
}

/** The same for a limit: 0 is docker's word for none. */
export function limit<T>(
  flags: Flags,
  name: string,
  parse: (flag: string, text: string) => T,
): T | undefined {
  return flags.text(name) === "0" ? undefined : parsed(flags, name, parse);
}
