import { UsageError } from "../core/errors.js";
import { compare, encodeProgram, jump, load, ret, type Instruction } from "./bpf.js";
import { whenAll } from "./seccomp-args.js";
import type { Seccomp, SeccompAction, SeccompArch, SeccompFlag, SeccompRule } from "./seccomp-profile.js";
import { syscallNumbers, x32Bit } from "./syscalls.js";

export interface SeccompProgram {
  /** SECCOMP_FILTER_FLAG_*. */
  readonly flags: number;
  /** `struct sock_filter[]`. */
  readonly program: Uint8Array;
}

/** linux/seccomp.h, struct seccomp_data: the call's number, then AUDIT_ARCH_*. */
const offsets = { number: 0, arch: 4 };
/** linux/bpf_common.h */
const maxInstructions = 4096;
const EPERM = 1;
const ENOSYS = 38;

const auditArch: Readonly<Record<Exclude<SeccompArch, "SCMP_ARCH_X32">, number>> = {
  SCMP_ARCH_X86_64: 0xc000_003e,
  SCMP_ARCH_X86: 0x4000_0003,
  SCMP_ARCH_AARCH64: 0xc000_00b7,
  SCMP_ARCH_ARM: 0x4000_0028,
};

/** SECCOMP_RET_*, without the errno. */
const returns: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x8000_0000,
  SCMP_ACT_TRAP: 0x0003_0000,
  SCMP_ACT_ERRNO: 0x0005_0000,
  SCMP_ACT_TRACE: 0x7ff0_0000,
  SCMP_ACT_LOG: 0x7ffc_0000,
  SCMP_ACT_ALLOW: 0x7fff_0000,
};

const flagBits: Readonly<Record<SeccompFlag, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
};

/**
 * What the kernel runs for each system call. Of the rules for one call an unconditional one counts alone, else the first
 * whose conditions hold. Calls of architectures the profile does not list end the process. Calls younger than the
 * youngest the profile knows are ENOSYS where it would deny them, so that programs take an older one (as runc does).
 * @throws UsageError BAD_VALUE for more than the kernel takes
 */
export function compileSeccomp(seccomp: Seccomp): SeccompProgram {
  const arches = seccomp.architectures ?? [];
  const sections = (Object.keys(auditArch) as (keyof typeof auditArch)[])
    .filter((arch) => arches.includes(arch))
    .flatMap((arch) => {
      const code = [load(offsets.number), ...search(intervalsOf(seccomp, arch))];
      return [compare("equal", auditArch[arch], [1, 0]), jump(code.length), ...code];
    });
  const program = [load(offsets.arch), ...sections, ret(returns.SCMP_ACT_KILL_PROCESS)];
  if (program.length > maxInstructions) {
    throw new UsageError(
      "BAD_VALUE",
      `seccomp: profile compiles to ${program.length} instructions (expected at most ${maxInstructions})`,
    );
  }
  return {
    flags: (seccomp.flags ?? []).reduce((bits, flag) => bits | flagBits[flag], 0),
    program: encodeProgram(program),
  };
}

/** From `start` up to the next one's. Every `code` ends in `ret`. */
interface Interval {
  readonly start: number;
  readonly code: readonly Instruction[];
}

function intervalsOf(seccomp: Seccomp, arch: SeccompArch): Interval[] {
  if (arch !== "SCMP_ARCH_X86_64") return callsOf(seccomp, arch);
  const x32 =
    seccomp.architectures?.includes("SCMP_ARCH_X32") === true
      ? callsOf(seccomp, "SCMP_ARCH_X32")
      : [{ start: x32Bit, code: [ret(returns.SCMP_ACT_KILL_PROCESS)] }];
  // -1 is how a tracer skips a call, not one of x32's.
  const skipped = { start: 0xffff_ffff, code: [ret(defaultReturn(seccomp))] };
  return [...callsOf(seccomp, arch), ...x32, skipped];
}

function callsOf(seccomp: Seccomp, arch: SeccompArch): Interval[] {
  const otherwise = defaultReturn(seccomp);
  const rules = rulesByNumber(seccomp.syscalls, arch);
  const numbers = [...rules.keys()].sort((a, b) => a - b);
  const first = arch === "SCMP_ARCH_X32" ? x32Bit : 0;
  const intervals: Interval[] = [];
  const add = (start: number, code: readonly Instruction[]): void => {
    const last = intervals.at(-1);
    if (last?.start === start) intervals.pop();
    if (!isSame(intervals.at(-1)?.code, code)) intervals.push({ start, code });
  };
  add(first, [ret(otherwise)]);
  for (const number of numbers) {
    add(number, callCode(rules.get(number) ?? [], otherwise));
    add(number + 1, [ret(otherwise)]);
  }
  const beyond = (numbers.at(-1) ?? first - 1) + 1;
  add(beyond, [ret(isDenial(seccomp) ? returns.SCMP_ACT_ERRNO | ENOSYS : otherwise)]);
  return intervals;
}

function isSame(a: readonly Instruction[] | undefined, b: readonly Instruction[]): boolean {
  return a?.length === 1 && b.length === 1 && a[0]?.k === b[0]?.k;
}

function isDenial({ defaultAction }: Seccomp): boolean {
  return !["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"].includes(defaultAction);
}

function rulesByNumber(rules: readonly SeccompRule[], arch: SeccompArch): Map<number, SeccompRule[]> {
  const numbers = syscallNumbers(arch);
  const found = new Map<number, SeccompRule[]>();
  for (const rule of rules) {
    for (const name of rule.names) {
      const number = numbers.get(name);
      if (number === undefined) continue;
      const known = found.get(number);
      if (known === undefined) found.set(number, [rule]);
      else known.push(rule);
    }
  }
  return found;
}

function callCode(rules: readonly SeccompRule[], otherwise: number): Instruction[] {
  const always = rules.find(({ args = [] }) => args.length === 0);
  if (always !== undefined) return [ret(returnOf(always.action, always.errnoRet))];
  return [...rules.flatMap(ruleCode), ret(otherwise)];
}

/** All conditions must hold; but where several are about one argument, one is enough (as in runc and docker). */
function ruleCode({ args = [], action, errnoRet }: SeccompRule): Instruction[] {
  const then = [ret(returnOf(action, errnoRet))];
  const repeated = new Set(args.map(({ index }) => index)).size < args.length;
  return repeated ? args.flatMap((arg) => whenAll([arg], then)) : whenAll(args, then);
}

function defaultReturn({ defaultAction, defaultErrnoRet }: Seccomp): number {
  return returnOf(defaultAction, defaultErrnoRet);
}

function returnOf(action: SeccompAction, errno = EPERM): number {
  const takesErrno = action === "SCMP_ACT_ERRNO" || action === "SCMP_ACT_TRACE";
  return (returns[action] | (takesErrno ? errno : 0)) >>> 0;
}

/** Binary search for the interval of the number that is loaded. */
function search(intervals: readonly Interval[]): Instruction[] {
  const middle = intervals.length >> 1;
  const pivot = intervals[middle];
  if (pivot === undefined) throw new Error("no intervals");
  if (middle === 0) return [...pivot.code];
  const below = search(intervals.slice(0, middle));
  const above = search(intervals.slice(middle));
  if (below.length <= 255)
    return [compare("greaterOrEqual", pivot.start, [below.length, 0]), ...below, ...above];
  return [compare("greaterOrEqual", pivot.start, [0, 1]), jump(below.length), ...below, ...above];
}
