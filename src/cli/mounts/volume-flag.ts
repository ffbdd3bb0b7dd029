import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { FileMount, Propagation } from "../../launch/options/files.js";

/** What `-v` takes: the mount, and what of it does nothing here. */
export interface VolumeFlag {
  readonly mount: FileMount;
  /** For the user, one line each. */
  readonly notes: readonly string[];
}

const form = "[SOURCE:]TARGET[:OPTIONS], such as ./data:/data:ro";
const propagation = /^r?(?:private|slave|shared)$/;

/**
 * Docker's `-v [SOURCE:]TARGET[:OPTIONS]`. A source with a slash or a dot in front is a path, anything else a volume's
 * name; without one the volume is anonymous. @throws UsageError BAD_VALUE
 */
export function parseVolumeFlag(text: string, absolute: (path: string) => string): VolumeFlag {
  const parts = text.split(":");
  const [first = "", second, third] = parts;
  if (parts.length > 3 || parts.some((part) => part === "")) throw bad(text, "not a mount", form);
  if (second === undefined) return { mount: { type: "volume", target: first }, notes: [] };
  // `NAME:ro` has options and no target.
  if (!second.startsWith("/")) throw bad(text, "target is relative", "an absolute path in the container");
  const words = third === undefined ? [] : third.split(",");
  checkWords(text, words);
  const readOnly = words.includes("ro");
  const base = { target: second, ...(readOnly ? { readOnly } : {}) };
  if (first.startsWith("~"))
    throw bad(text, "~ is the shell's to expand", "a path, or $HOME outside of quotes");
  const isPath = /^[./]/.test(first);
  const mount = isPath
    ? bindOf(absolute(first), base, words)
    : volumeOf(text, { ...base, name: first }, words);
  return { mount, notes: notesOf(words) };
}

interface Base {
  readonly target: string;
  readonly readOnly?: boolean;
}

function bindOf(source: string, base: Base, words: readonly string[]): FileMount {
  const given = words.find((word): word is Propagation => propagation.test(word));
  return {
    type: "bind",
    source,
    createSource: true,
    ...base,
    ...(given === undefined ? {} : { propagation: given }),
  };
}

function volumeOf(text: string, base: Base & { readonly name: string }, words: readonly string[]): FileMount {
  const tied = words.find((word) => propagation.test(word));
  if (tied !== undefined) throw bad(text, `${tied} is for paths`, "a source with a slash");
  return { type: "volume", ...base, ...(words.includes("nocopy") ? { noCopy: true } : {}) };
}

/** Of each line at most one. */
const groups: readonly RegExp[] = [
  /^(?:ro|rw)$/,
  /^[zZ]$/,
  /^nocopy$/,
  propagation,
  /^(?:consistent|cached|delegated)$/,
];

function checkWords(text: string, words: readonly string[]): void {
  const unknown = words.find((word) => !groups.some((group) => group.test(word)));
  if (unknown !== undefined) {
    throw bad(text, `option ${printable(unknown, 40)} is unknown`, "ro, rw, nocopy, z, Z or a propagation");
  }
  const twice = groups.find((group) => words.filter((word) => group.test(word)).length > 1);
  if (twice !== undefined) throw bad(text, "options contradict each other", "each once");
}

function notesOf(words: readonly string[]): string[] {
  const label = words.find((word) => /^z$/i.test(word));
  return label === undefined ? [] : [`-v: option ${label}: no SELinux labels are set here`];
}

function bad(text: string, observed: string, expected: string): UsageError {
  return new UsageError("BAD_VALUE", `-v: ${printable(text)}: ${observed} (expected ${expected})`);
}
