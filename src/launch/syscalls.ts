import type { SeccompArch } from "./seccomp-profile.js";
import { aarch64, arm } from "./syscalls-arm.js";
import { i386, x32, x86_64 } from "./syscalls-x86.js";

/**
 * Names in the order of their numbers; `N:name` goes on from N. A name may have the number of the one before it when
 * it says so.
 */
const tables: Readonly<Record<SeccompArch, string>> = {
  SCMP_ARCH_X86_64: x86_64,
  SCMP_ARCH_X86: i386,
  SCMP_ARCH_X32: x32,
  SCMP_ARCH_AARCH64: aarch64,
  SCMP_ARCH_ARM: arm,
};

/** Set in the number of every x32 call (asm/unistd.h, __X32_SYSCALL_BIT). */
export const x32Bit = 0x4000_0000;

/** Number of each system call by name, x32's with their bit. */
export function syscallNumbers(arch: SeccompArch): ReadonlyMap<string, number> {
  const offset = arch === "SCMP_ARCH_X32" ? x32Bit : 0;
  const numbers = new Map<string, number>();
  let next = 0;
  for (const word of tables[arch].trim().split(/\s+/)) {
    const colon = word.indexOf(":");
    const number = colon < 0 ? next : Number(word.slice(0, colon));
    numbers.set(word.slice(colon + 1), offset + number);
    next = number + 1;
  }
  return numbers;
}
