import { printable } from "../core/text.js";
import { badValue } from "./options/bad-value.js";
import type { IsolationOptions } from "./options/isolation.js";
import { defaultProfile } from "./seccomp-default.js";
import { parseSeccompProfile } from "./seccomp-parse.js";
import type { Seccomp } from "./seccomp-profile.js";
import { resolveSeccomp, type SeccompHost } from "./seccomp-resolve.js";

/**
 * The spec's `linux.seccomp`: docker's default profile, the user's, or none when unconfined or privileged. Without
 * numbers for this machine's system calls the default is left out, as OCI runtimes without libseccomp do.
 * @throws UsageError BAD_VALUE
 */
export function seccompOf(
  { seccomp, privileged }: Pick<IsolationOptions, "seccomp" | "privileged">,
  bounding: readonly string[],
  host: SeccompHost,
): Seccomp | undefined {
  if (seccomp === "unconfined" || (seccomp === undefined && privileged === true)) return undefined;
  const profile = seccomp === undefined ? defaultProfile : parseSeccompProfile(seccomp);
  const resolved = resolveSeccomp(profile, bounding, host);
  if (resolved === undefined && seccomp !== undefined) {
    throw badValue(
      `--security-opt seccomp=${printable(seccomp.file, 80)}`,
      host.arch,
      "a machine of x64 or arm64",
    );
  }
  return resolved;
}
