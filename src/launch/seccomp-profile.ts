export const seccompArches = [
  "SCMP_ARCH_X86_64",
  "SCMP_ARCH_X86",
  "SCMP_ARCH_X32",
  "SCMP_ARCH_AARCH64",
  "SCMP_ARCH_ARM",
] as const;

/** An architecture whose programs a kernel may run that we know, in OCI's words. */
export type SeccompArch = (typeof seccompArches)[number];

/** OCI runtime-spec config-linux.md, "Seccomp". */
export interface Seccomp {
  readonly defaultAction: SeccompAction;
  /** Of a default action that returns an errno; EPERM otherwise. */
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly SeccompArch[];
  readonly flags?: readonly SeccompFlag[];
  readonly syscalls: readonly SeccompRule[];
}

export type SeccompAction =
  | "SCMP_ACT_KILL"
  | "SCMP_ACT_KILL_PROCESS"
  | "SCMP_ACT_KILL_THREAD"
  | "SCMP_ACT_TRAP"
  | "SCMP_ACT_ERRNO"
  | "SCMP_ACT_TRACE"
  | "SCMP_ACT_ALLOW"
  | "SCMP_ACT_LOG";

export type SeccompFlag =
  "SECCOMP_FILTER_FLAG_TSYNC" | "SECCOMP_FILTER_FLAG_LOG" | "SECCOMP_FILTER_FLAG_SPEC_ALLOW";

export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: SeccompAction;
  readonly errnoRet?: number;
  readonly args?: readonly SeccompArg[];
}

export interface SeccompArg {
  readonly index: number;
  /** At most Number.MAX_SAFE_INTEGER, as JSON has it. */
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: SeccompOperator;
}

export type SeccompOperator =
  | "SCMP_CMP_NE"
  | "SCMP_CMP_LT"
  | "SCMP_CMP_LE"
  | "SCMP_CMP_EQ"
  | "SCMP_CMP_GE"
  | "SCMP_CMP_GT"
  | "SCMP_CMP_MASKED_EQ";

/** Docker's superset of it: one profile for all machines and capabilities. */
export interface SeccompProfile {
  readonly defaultAction: SeccompAction;
  readonly defaultErrnoRet?: number;
  readonly flags?: readonly SeccompFlag[];
  readonly architectures?: readonly string[];
  readonly archMap?: readonly {
    readonly architecture: string;
    readonly subArchitectures: readonly string[];
  }[];
  readonly syscalls: readonly ProfileRule[];
}

export interface ProfileRule extends SeccompRule {
  readonly includes?: RuleCondition;
  readonly excludes?: RuleCondition;
}

/** Of `includes` all must hold, of `excludes` none. */
export interface RuleCondition {
  /** Every one, in `includes`; any one, in `excludes`. */
  readonly caps?: readonly string[];
  /** Any one, in Go's words: amd64, arm64. */
  readonly arches?: readonly string[];
  /** `4.8`: this kernel or a later one. */
  readonly minKernel?: string;
}
