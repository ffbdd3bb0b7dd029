import { readFileSync } from "node:fs";
import path from "node:path";
import { errnoOf } from "../core/errors.js";
import type { SeccompProgram } from "../launch/seccomp-compile.js";
import type { Seccomp } from "../launch/seccomp-profile.js";

/**
 * The filter for a spec's profile. That of the default one comes out of the package, since compiling takes some 10 ms.
 * @throws UsageError BAD_VALUE
 */
export async function seccompProgram(seccomp: Seccomp | undefined): Promise<SeccompProgram | undefined> {
  if (seccomp === undefined) return undefined;
  const ready = readCompiled(seccomp);
  if (ready !== undefined) return ready;
  const { compileSeccomp } = await import("../launch/seccomp-compile.js");
  return compileSeccomp(seccomp);
}

/** The profile as JSON, a newline, and its program: `npm run build` makes one for each architecture. */
function readCompiled(seccomp: Seccomp): SeccompProgram | undefined {
  const bytes = readIfThere(path.join(import.meta.dirname, `seccomp-${process.arch}`));
  const text = Buffer.from(`${JSON.stringify(seccomp)}\n`);
  if (bytes === undefined || !bytes.subarray(0, text.length).equals(text)) return undefined;
  return { flags: 0, program: bytes.subarray(text.length) };
}

/** Synchronously: it is small, and a trip to the thread pool takes longer. */
function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    // Not built, as in tests of the source.
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
