import { syscallNumbers } from "../../src/launch/syscalls.js";

/** System calls with arguments that do no harm, and what docker 26's container answers as root. */
const calls: readonly (readonly [name: string, args: string, expected: string])[] = [
  ["mount", "", "EPERM"],
  ["umount2", "", "EPERM"],
  ["unshare", "0x10000000", "EPERM"],
  ["unshare", "0", "EPERM"],
  ["setns", "-1,0", "EPERM"],
  ["pivot_root", "", "EPERM"],
  ["open_tree", "", "EPERM"],
  ["move_mount", "", "EPERM"],
  ["fsopen", "", "EPERM"],
  ["mount_setattr", "", "EPERM"],
  ["keyctl", "0,-3,0", "EPERM"],
  ["add_key", "", "EPERM"],
  ["request_key", "", "EPERM"],
  ["bpf", "0,0,0", "EPERM"],
  ["perf_event_open", "", "EPERM"],
  ["userfaultfd", "0", "EPERM"],
  ["kcmp", "1,1,0,0,0", "EPERM"],
  ["swapoff", "0", "EPERM"],
  ["quotactl", "", "EPERM"],
  ["init_module", "0,0,0", "EPERM"],
  ["open_by_handle_at", "", "EPERM"],
  ["acct", "1", "EPERM"],
  ["lookup_dcookie", "", "EPERM"],
  ["io_uring_setup", "", "EPERM"],
  ["clone3", "0,0", "ENOSYS"],
  ["socket", "38,5,0", "EPERM"],
  ["socket", "0x100000026,5,0", "EPERM"],
  ["socket", "40,1,0", "EPERM"],
  ["socket", "1,1,0", "ok"],
  ["personality", "0x0040000", "EPERM"],
  ["personality", "0xffffffff", "ok"],
  ["clone", "0x10000011", "EPERM"],
  ["getpid", "", "ok"],
];

/** For the probe: `call NUMBER,ARGS` each. */
export const callArguments = calls.flatMap(([name, args]) => ["call", [numberOf(name), args].join(",")]);

export const callAnswers = calls.map(([name, , expected]) => `${numberOf(name)} ${expected}\n`).join("");

function numberOf(name: string): number {
  return syscallNumbers(process.arch === "arm64" ? "SCMP_ARCH_AARCH64" : "SCMP_ARCH_X86_64").get(name) ?? -1;
}
