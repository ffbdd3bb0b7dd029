import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dockerCapabilities } from "../../src/launch/capabilities.js";
import { compileSeccomp } from "../../src/launch/seccomp-compile.js";
import { defaultProfile } from "../../src/launch/seccomp-default.js";
import { parseSeccompProfile } from "../../src/launch/seccomp-parse.js";
import {
  seccompArches,
  type Seccomp,
  type SeccompArch,
  type SeccompArg,
  type SeccompOperator,
  type SeccompProfile,
} from "../../src/launch/seccomp-profile.js";
import { resolveSeccomp } from "../../src/launch/seccomp-resolve.js";
import { syscallNumbers } from "../../src/launch/syscalls.js";
import { auditArch, runFilter, verdict } from "../support/bpf.js";

const x64 = { arch: "x64", kernel: "6.1.0-18-amd64" };
const arm64 = { arch: "arm64", kernel: "6.1.0" };

function resolved(profile: SeccompProfile, capabilities: readonly string[] = [], host = x64): Seccomp {
  const found = resolveSeccomp(profile, capabilities, host);
  if (found === undefined) throw new Error(`no profile for ${host.arch}`);
  return found;
}

const audit: Readonly<Record<SeccompArch, number>> = {
  SCMP_ARCH_X86_64: auditArch.x86_64,
  SCMP_ARCH_X86: auditArch.i386,
  SCMP_ARCH_X32: auditArch.x86_64,
  SCMP_ARCH_AARCH64: auditArch.aarch64,
  SCMP_ARCH_ARM: auditArch.arm,
};

/** What becomes of a call by name. */
function asker(seccomp: Seccomp): (name: string, args?: readonly bigint[], arch?: SeccompArch) => string {
  const { program } = compileSeccomp(seccomp);
  return (name, args = [], arch = "SCMP_ARCH_X86_64") => {
    const number = syscallNumbers(arch).get(name);
    if (number === undefined) throw new Error(`no such call: ${name}`);
    return verdict(runFilter(program, { arch: audit[arch], number, args }));
  };
}

describe("docker's default profile", () => {
  const ask = asker(resolved(defaultProfile, dockerCapabilities));
  const EPERM = "errno 1";

  test.each([
    ["read", "allow"],
    ["execve", "allow"],
    ["openat2", "allow"],
    ["ptrace", "allow"],
    ["chroot", "allow"],
    ["statx", "allow"],
    ["futex_wake", "allow"],
    ["mount", EPERM],
    ["umount2", EPERM],
    ["unshare", EPERM],
    ["setns", EPERM],
    ["pivot_root", EPERM],
    ["open_tree", EPERM],
    ["fsopen", EPERM],
    ["bpf", EPERM],
    ["perf_event_open", EPERM],
    ["userfaultfd", EPERM],
    ["io_uring_setup", EPERM],
    ["keyctl", EPERM],
    ["add_key", EPERM],
    ["request_key", EPERM],
    ["kexec_load", EPERM],
    ["init_module", EPERM],
    ["finit_module", EPERM],
    ["reboot", EPERM],
    ["swapon", EPERM],
    ["settimeofday", EPERM],
    ["kcmp", EPERM],
    ["open_by_handle_at", EPERM],
    ["acct", EPERM],
    ["iopl", EPERM],
    ["quotactl", EPERM],
    ["nfsservctl", EPERM],
    ["clone3", "errno 38"],
  ])("%s: %s", (name, expected) => {
    expect(ask(name)).toBe(expected);
  });

  test.each([
    ["no flags", 0n, "allow"],
    ["a thread", 0x3d0f00n, "allow"],
    ["CLONE_NEWNS", 0x0002_0000n, EPERM],
    ["CLONE_NEWUSER", 0x1000_0000n, EPERM],
    ["CLONE_NEWCGROUP", 0x0200_0000n, EPERM],
    ["CLONE_NEWNET and a signal", 0x4000_0011n, EPERM],
    ["CLONE_NEWUSER under bits the kernel drops", (1n << 40n) | 0x1000_0000n, EPERM],
  ])("clone with %s", (_, flags, expected) => {
    expect(ask("clone", [flags])).toBe(expected);
  });

  test.each([
    ["AF_UNIX", 1n, "allow"],
    ["AF_INET6", 10n, "allow"],
    ["AF_NETLINK", 16n, "allow"],
    ["AF_RXRPC, before AF_ALG", 33n, "allow"],
    ["AF_IEEE802154", 36n, "allow"],
    ["AF_CAIF", 37n, "allow"],
    ["AF_ALG (CVE-2026-31431)", 38n, EPERM],
    ["AF_NFC", 39n, "allow"],
    ["AF_VSOCK", 40n, EPERM],
    ["AF_KCM", 41n, "allow"],
    ["AF_XDP", 44n, "allow"],
    ["the last one there is", 46n, "allow"],
    ["AF_ALG under bits the kernel drops", (1n << 32n) | 38n, EPERM],
    ["AF_VSOCK as a negative number", -0x1_0000_0000n + 40n, EPERM],
  ])("a socket of %s", (_, family, expected) => {
    for (const arch of ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"] as const)
      expect(ask("socket", [family], arch)).toBe(expected);
  });

  test.each([
    [0n, "allow"],
    [8n, "allow"],
    [0x20000n, "allow"],
    [0x20008n, "allow"],
    [0xffffffffn, "allow"],
    [0x0040000n, EPERM],
    [9n, EPERM],
  ])("personality %s: %s", (persona, expected) => {
    expect(ask("personality", [persona])).toBe(expected);
  });

  test("is the same for programs of 32 bits and of x32", () => {
    for (const arch of ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] as const) {
      expect([ask("openat", [], arch), ask("mount", [], arch), ask("clone3", [], arch)]).toEqual([
        "allow",
        EPERM,
        "errno 38",
      ]);
    }
    expect(ask("mmap2", [], "SCMP_ARCH_X86")).toBe("allow");
  });

  test("calls younger than it are ENOSYS, so that a C library takes another", () => {
    const { program } = compileSeccomp(resolved(defaultProfile, dockerCapabilities));
    for (const arch of [auditArch.x86_64, auditArch.i386])
      expect(verdict(runFilter(program, { arch, number: 700 }))).toBe("errno 38");
    expect(verdict(runFilter(program, { arch: auditArch.x86_64, number: 0x4000_0000 + 700 }))).toBe(
      "errno 38",
    );
  });

  test("a tracer that skips a call (-1) does not have it taken for one of x32", () => {
    const { program } = compileSeccomp(resolved(defaultProfile, dockerCapabilities));
    expect(verdict(runFilter(program, { arch: auditArch.x86_64, number: 0xffffffff }))).toBe(EPERM);
  });

  test("a program of an architecture it does not know is killed", () => {
    const { program } = compileSeccomp(resolved(defaultProfile, dockerCapabilities));
    expect(verdict(runFilter(program, { arch: 0xc0000016, number: 0 }))).toBe("kill process");
  });

  test.each([
    [
      "CAP_SYS_ADMIN",
      ["mount", "unshare", "setns", "clone3", "bpf", "pivot_root"],
      ["allow", "allow", "allow", "allow", "allow", EPERM],
    ],
    ["CAP_SYS_PTRACE", ["kcmp", "pidfd_getfd"], ["allow", "allow"]],
    ["CAP_SYS_MODULE", ["init_module", "kexec_load"], ["allow", EPERM]],
    ["CAP_SYS_TIME", ["settimeofday", "clock_settime"], ["allow", "allow"]],
    ["CAP_SYSLOG", ["syslog"], ["allow"]],
    ["CAP_BPF", ["bpf", "perf_event_open"], ["allow", EPERM]],
    ["CAP_PERFMON", ["perf_event_open"], ["allow"]],
    ["CAP_DAC_READ_SEARCH", ["open_by_handle_at"], ["allow"]],
  ])("with %s lets %s through", (capability, names, expected) => {
    const asked = asker(resolved(defaultProfile, [capability]));
    expect(names.map((name) => asked(name))).toEqual(expected);
  });

  test("with CAP_SYS_ADMIN clone may make namespaces", () => {
    expect(asker(resolved(defaultProfile, ["CAP_SYS_ADMIN"]))("clone", [0x1000_0000n])).toBe("allow");
  });

  test("on arm64 holds for 64 and 32 bits", () => {
    const arm = asker(resolved(defaultProfile, dockerCapabilities, arm64));
    expect(arm("openat", [], "SCMP_ARCH_AARCH64")).toBe("allow");
    expect(arm("mount", [], "SCMP_ARCH_AARCH64")).toBe(EPERM);
    expect(arm("socket", [38n], "SCMP_ARCH_AARCH64")).toBe(EPERM);
    expect(arm("cacheflush", [], "SCMP_ARCH_ARM")).toBe("allow");
    expect(arm("mount", [], "SCMP_ARCH_ARM")).toBe(EPERM);
  });

  test("without CAP_SYS_CHROOT chroot is denied", () => {
    expect(asker(resolved(defaultProfile))("chroot")).toBe(EPERM);
  });

  test("on a kernel in which a tracer could get around a filter nobody may trace", () => {
    expect(asker(resolved(defaultProfile, [], { ...x64, kernel: "4.4.0" }))("ptrace")).toBe(EPERM);
  });
});

describe("a filter", () => {
  const operators: readonly SeccompOperator[] = [
    "SCMP_CMP_NE",
    "SCMP_CMP_LT",
    "SCMP_CMP_LE",
    "SCMP_CMP_EQ",
    "SCMP_CMP_GE",
    "SCMP_CMP_GT",
    "SCMP_CMP_MASKED_EQ",
  ];

  function holds({ op, value, valueTwo = 0 }: SeccompArg, arg: bigint): boolean {
    const [a, b] = [BigInt(value), BigInt(valueTwo)];
    switch (op) {
      case "SCMP_CMP_NE":
        return arg !== a;
      case "SCMP_CMP_LT":
        return arg < a;
      case "SCMP_CMP_LE":
        return arg <= a;
      case "SCMP_CMP_EQ":
        return arg === a;
      case "SCMP_CMP_GE":
        return arg >= a;
      case "SCMP_CMP_GT":
        return arg > a;
      case "SCMP_CMP_MASKED_EQ":
        return (arg & a) === (b & a);
    }
  }

  function withRule(args: readonly SeccompArg[]): Seccomp {
    return {
      defaultAction: "SCMP_ACT_ERRNO",
      architectures: ["SCMP_ARCH_X86_64"],
      syscalls: [{ names: ["read"], action: "SCMP_ACT_ALLOW", args }],
    };
  }

  test("compares arguments as 64-bit numbers, with every operator", () => {
    const interesting = fc.constantFrom(
      0,
      1,
      0xffff_ffff,
      0x1_0000_0000,
      0x1_0000_0001,
      Number.MAX_SAFE_INTEGER,
    );
    const value = fc.oneof(interesting, fc.maxSafeNat());
    const arg = fc.oneof(value.map(BigInt), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }));
    fc.assert(
      fc.property(fc.constantFrom(...operators), value, value, arg, (op, one, two, given) => {
        const condition = { index: 3, value: one, valueTwo: two, op };
        const asked = asker(withRule([condition]));
        for (const actual of [given, BigInt(one), BigInt(two), BigInt(one) + 1n])
          expect(asked("read", [0n, 0n, 0n, actual])).toBe(holds(condition, actual) ? "allow" : "errno 1");
      }),
      { numRuns: 300 },
    );
  });

  test("conditions on different arguments must all hold; on the same one, one is enough", () => {
    const both = asker(
      withRule([
        { index: 0, value: 1, op: "SCMP_CMP_EQ" },
        { index: 1, value: 2, op: "SCMP_CMP_EQ" },
      ]),
    );
    expect([both("read", [1n, 2n]), both("read", [1n, 3n])]).toEqual(["allow", "errno 1"]);
    const either = asker(
      withRule([
        { index: 0, value: 1, op: "SCMP_CMP_EQ" },
        { index: 0, value: 2, op: "SCMP_CMP_EQ" },
      ]),
    );
    expect([1n, 2n, 3n].map((arg) => either("read", [arg]))).toEqual(["allow", "allow", "errno 1"]);
  });

  test("of rules for one call an unconditional one counts, else the first that holds", () => {
    const base = { ...withRule([]), syscalls: [] };
    const one = { names: ["read"], args: [{ index: 0, value: 1, op: "SCMP_CMP_EQ" } as const] };
    const conditional = asker({
      ...base,
      syscalls: [
        { ...one, action: "SCMP_ACT_TRAP" },
        { ...one, action: "SCMP_ACT_LOG" },
      ],
    });
    expect(conditional("read", [1n])).toBe("trap");
    const always = asker({
      ...base,
      syscalls: [
        { ...one, action: "SCMP_ACT_TRAP" },
        { names: ["read"], action: "SCMP_ACT_ERRNO", errnoRet: 13 },
      ],
    });
    expect(always("read", [1n])).toBe("errno 13");
  });

  test.each([
    ["SCMP_ACT_KILL", "kill thread"],
    ["SCMP_ACT_KILL_THREAD", "kill thread"],
    ["SCMP_ACT_KILL_PROCESS", "kill process"],
    ["SCMP_ACT_TRAP", "trap"],
    ["SCMP_ACT_ERRNO", "errno 7"],
    ["SCMP_ACT_TRACE", "trace 7"],
    ["SCMP_ACT_ALLOW", "allow"],
    ["SCMP_ACT_LOG", "log"],
  ] as const)("knows the action %s, for a call and as the default", (action, expected) => {
    const rule = { names: ["read"], action, errnoRet: 7 };
    const architectures = ["SCMP_ARCH_X86_64"] as const;
    expect(asker({ defaultAction: "SCMP_ACT_LOG", architectures, syscalls: [rule] })("read")).toBe(expected);
    const seccomp = {
      defaultAction: action,
      defaultErrnoRet: 7,
      architectures,
      syscalls: [{ names: ["tee"], action: "SCMP_ACT_LOG" }],
    } as const;
    expect(asker(seccomp)("read")).toBe(expected);
  });

  test("that allows by default leaves younger calls alone", () => {
    const { program } = compileSeccomp({
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: ["SCMP_ARCH_X86_64"],
      syscalls: [{ names: ["mount"], action: "SCMP_ACT_ERRNO" }],
    });
    expect(verdict(runFilter(program, { arch: auditArch.x86_64, number: 700 }))).toBe("allow");
  });

  test("without x32 kills its calls", () => {
    const { program } = compileSeccomp({
      ...withRule([]),
      syscalls: [{ names: ["read"], action: "SCMP_ACT_ALLOW" }],
    });
    expect(verdict(runFilter(program, { arch: auditArch.x86_64, number: 0x4000_0000 }))).toBe("kill process");
  });

  test("answers for every number as its rules do, whatever they are", () => {
    const names = [...syscallNumbers("SCMP_ARCH_X86_64").keys()];
    fc.assert(
      fc.property(fc.subarray(names), (allowed) => {
        const { program } = compileSeccomp({
          ...withRule([]),
          syscalls: [{ names: allowed, action: "SCMP_ACT_ALLOW" }],
        });
        const numbers = new Set(allowed.map((name) => syscallNumbers("SCMP_ARCH_X86_64").get(name)));
        const last = Math.max(-1, ...[...numbers].map((number) => number ?? -1));
        for (let number = 0; number < 480; number++) {
          const expected = numbers.has(number) ? "allow" : number > last ? "errno 38" : "errno 1";
          expect(verdict(runFilter(program, { arch: auditArch.x86_64, number })), String(number)).toBe(
            expected,
          );
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("a profile from a file", () => {
  const parse = (value: unknown): SeccompProfile =>
    parseSeccompProfile({ file: "p.json", text: JSON.stringify(value) });

  test("in OCI's shape is taken as it is", () => {
    const oci = {
      defaultAction: "SCMP_ACT_ALLOW",
      defaultErrnoRet: 5,
      architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
      flags: ["SECCOMP_FILTER_FLAG_LOG"],
      syscalls: [
        {
          names: ["mkdir"],
          action: "SCMP_ACT_ERRNO",
          errnoRet: 30,
          args: [{ index: 0, value: 1, op: "SCMP_CMP_EQ" }],
        },
      ],
    };
    expect(resolved(parse(oci))).toEqual(oci);
    expect(compileSeccomp(resolved(parse(oci))).flags).toBe(2);
  });

  test("in docker's shape is resolved for the capabilities and the machine, null and all", () => {
    const docker = {
      defaultAction: "SCMP_ACT_ERRNO",
      archMap: [{ architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] }],
      syscalls: [
        { names: ["read"], action: "SCMP_ACT_ALLOW", args: null, comment: "", includes: {}, excludes: {} },
        { name: "write", action: "SCMP_ACT_ALLOW" },
        { names: ["mount"], action: "SCMP_ACT_ALLOW", includes: { caps: ["CAP_SYS_ADMIN"] } },
        { names: ["tee"], action: "SCMP_ACT_ALLOW", includes: { arches: ["arm64"] } },
        { names: ["sync"], action: "SCMP_ACT_ALLOW", excludes: { minKernel: "5.0" } },
      ],
    };
    const { architectures, syscalls } = resolved(parse(docker));
    expect(architectures).toEqual(["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]);
    expect(syscalls.flatMap(({ names }) => names)).toEqual(["read", "write"]);
  });

  test.each([
    ["no JSON", "{", /is no JSON/],
    ["a list", "[]", /the profile \[\] \(expected an object\)/],
    ["no default", "{}", /defaultAction nothing \(expected one of SCMP_ACT_KILL/],
    [
      "an action that needs an agent",
      '{"defaultAction":"SCMP_ACT_NOTIFY"}',
      /SCMP_ACT_NOTIFY" \(expected one of/,
    ],
    ["a listener", '{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/s"}', /listenerPath \(expected none/],
    [
      "an operator that is none",
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"SCMP_ACT_LOG","args":[{"index":0,"value":0,"op":"=="}]}]}',
      /op "=="/,
    ],
    [
      "a seventh argument",
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"SCMP_ACT_LOG","args":[{"index":6,"value":0,"op":"SCMP_CMP_EQ"}]}]}',
      /index 6 \(expected a whole number up to 5\)/,
    ],
    [
      "a number JSON readers disagree on",
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["a"],"action":"SCMP_ACT_LOG","args":[{"index":0,"value":18446744073709551615,"op":"SCMP_CMP_EQ"}]}]}',
      /value 18446744073709552000/,
    ],
    [
      "an errno out of range",
      '{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":4096}',
      /defaultErrnoRet 4096/,
    ],
    ["a flag that is none", '{"defaultAction":"SCMP_ACT_ALLOW","flags":["FAST"]}', /flags "FAST"/],
    [
      "names that are none",
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[1],"action":"SCMP_ACT_LOG"}]}',
      /names 1 \(expected a string\)/,
    ],
  ])("with %s is refused", (_, text, message) => {
    expect(() => parseSeccompProfile({ file: "p.json", text })).toThrow(message);
  });

  const debian = "/usr/share/gocode/src/github.com/docker/docker/profiles/seccomp/default.json";

  test.skipIf(!existsSync(debian))(
    "needs golang-github-docker-docker-dev: docker's own, of version 20.10, compiles to what ours does but for what docker has changed since",
    () => {
      const text = readFileSync(debian, "utf8");
      const older = asker(resolved(parseSeccompProfile({ file: debian, text }), dockerCapabilities));
      const ours = asker(resolved(defaultProfile, dockerCapabilities));
      const different = [...syscallNumbers("SCMP_ARCH_X86_64").entries()]
        .filter(([name, number]) => number < 450 && older(name) !== ours(name))
        .map(([name]) => name);
      expect(different.toSorted()).toEqual([
        "io_uring_enter",
        "io_uring_register",
        "io_uring_setup",
        "pkey_alloc",
        "pkey_free",
        "pkey_mprotect",
        "process_vm_readv",
        "process_vm_writev",
        "uretprobe",
      ]);
    },
  );
});

test("system calls have the numbers of the kernel's headers", () => {
  const some = (arch: SeccompArch, names: readonly string[]): (number | undefined)[] =>
    names.map((name) => syscallNumbers(arch).get(name));
  expect(some("SCMP_ARCH_X86_64", ["read", "execve", "openat2", "pidfd_open"])).toEqual([0, 59, 437, 434]);
  expect(some("SCMP_ARCH_X86", ["exit", "execve", "socketcall", "mmap2"])).toEqual([1, 11, 102, 192]);
  expect(some("SCMP_ARCH_X32", ["read", "execve"])).toEqual([0x4000_0000, 0x4000_0000 + 520]);
  expect(some("SCMP_ARCH_AARCH64", ["io_setup", "openat", "clone", "execve", "newfstatat"])).toEqual([
    0, 56, 220, 221, 79,
  ]);
  expect(some("SCMP_ARCH_ARM", ["exit", "execve", "mmap2", "set_tls"])).toEqual([1, 11, 192, 0xf0005]);
  for (const arch of seccompArches) expect(syscallNumbers(arch).size).toBeGreaterThan(320);
});
