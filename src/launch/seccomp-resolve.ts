import {
  seccompArches,
  type ProfileRule,
  type RuleCondition,
  type Seccomp,
  type SeccompArch,
  type SeccompProfile,
  type SeccompRule,
} from "./seccomp-profile.js";

export interface SeccompHost {
  /** Node's word for it: `x64`, `arm64`. */
  readonly arch: string;
  /** `uname -r`. */
  readonly kernel: string;
}

/** Go's words, which profiles use, and what programs each machine runs. */
const machines: Readonly<Record<string, { readonly go: string; readonly arches: readonly SeccompArch[] }>> = {
  x64: { go: "amd64", arches: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"] },
  arm64: { go: "arm64", arches: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"] },
};

/**
 * The OCI form of a profile for this machine and these capabilities (moby profiles/seccomp `setupSeccomp`). Undefined on
 * an architecture we have no system call numbers for.
 * @param bounding names of the container's bounding set, `CAP_…`
 */
export function resolveSeccomp(
  profile: SeccompProfile,
  bounding: readonly string[],
  host: SeccompHost,
): Seccomp | undefined {
  const machine = machines[host.arch];
  if (machine === undefined) return undefined;
  const holds = { caps: new Set(bounding), arch: machine.go, kernel: host.kernel };
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures: architecturesOf(profile, machine.arches),
    ...(profile.flags === undefined ? {} : { flags: profile.flags }),
    syscalls: profile.syscalls.filter((rule) => applies(rule, holds)).map(plain),
  };
}

/** The native one is always among them, as with libseccomp. */
function architecturesOf(profile: SeccompProfile, machine: readonly SeccompArch[]): SeccompArch[] {
  const [native] = machine;
  const mapped = profile.archMap?.find(({ architecture }) => architecture === native)?.subArchitectures;
  const listed = [...(mapped ?? []), ...(profile.architectures ?? [])];
  return seccompArches.filter((arch) => machine.includes(arch) && (arch === native || listed.includes(arch)));
}

interface Holds {
  readonly caps: ReadonlySet<string>;
  readonly arch: string;
  readonly kernel: string;
}

function applies({ includes = {}, excludes = {} }: ProfileRule, holds: Holds): boolean {
  const { caps = [], arches } = includes;
  if (!caps.every((cap) => holds.caps.has(cap))) return false;
  if (arches !== undefined && arches.length > 0 && !arches.includes(holds.arch)) return false;
  if (!isKernel(includes, holds.kernel, true)) return false;
  if (excludes.caps?.some((cap) => holds.caps.has(cap)) === true) return false;
  return excludes.arches?.includes(holds.arch) !== true && !isKernel(excludes, holds.kernel, false);
}

function isKernel({ minKernel }: RuleCondition, kernel: string, otherwise: boolean): boolean {
  if (minKernel === undefined || minKernel === "") return otherwise;
  const [major = 0, minor = 0] = versionOf(kernel);
  const [wantedMajor = 0, wantedMinor = 0] = versionOf(minKernel);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function versionOf(text: string): number[] {
  return text.split(/[^0-9]+/, 2).map(Number);
}

function plain({ names, action, errnoRet, args }: ProfileRule): SeccompRule {
  return {
    names,
    action,
    ...(errnoRet === undefined ? {} : { errnoRet }),
    ...(args === undefined || args.length === 0 ? {} : { args }),
  };
}
