import { expect, test } from "vitest";
import { cloneFlags, mountFlags } from "../../src/helper/constants.js";
import { formatPlan } from "../../src/helper/plan-text.js";
import { fork } from "./support.js";

test("steps are numbered lines with their flags, modes and capabilities named", () => {
  const text = formatPlan([
    { ...fork, flags: cloneFlags.CLONE_NEWPID | cloneFlags.CLONE_NEWNS, cgroupProcs: ["/sys/fs/cgroup/x"] },
    {
      kind: "mount",
      fstype: "proc",
      source: "proc",
      target: "/proc",
      flags: mountFlags.MS_NOSUID | mountFlags.MS_NOEXEC,
      data: "",
    },
    { kind: "mkdir", target: "/dev", mode: 0o1777, uid: 0, gid: 5 },
    { kind: "rlimit", resource: 7, soft: 1024, hard: 4096 },
    {
      kind: "credentials",
      uid: 0,
      gid: 0,
      groups: [],
      bounding: 0x21n,
      permitted: ~0n,
      effective: 0n,
      inheritable: 0n,
      ambient: 0n,
    },
    {
      kind: "mknod",
      target: "/dev/fuse",
      mode: 0o20666,
      major: 10,
      minor: 229,
      uid: 0,
      gid: 0,
      optional: true,
    },
  ]);
  expect(text).toBe(
    [
      "1. clone flags=CLONE_NEWNS|CLONE_NEWPID cgroupProcs=[/sys/fs/cgroup/x]",
      "2. mount fstype=proc source=proc target=/proc flags=MS_NOSUID|MS_NOEXEC",
      "3. mkdir target=/dev mode=01777 uid=0 gid=5",
      "4. rlimit resource=RLIMIT_NOFILE soft=1024 hard=4096",
      "5. credentials uid=0 gid=0 bounding=CAP_CHOWN|CAP_KILL permitted=all effective=none inheritable=none ambient=none groups=[]",
      "6. mknod target=/dev/fuse mode=020666 major=10 minor=229 uid=0 gid=0 (may fail)",
      "",
    ].join("\n"),
  );
});

test.each([
  ["a space", "two words", '"two words"'],
  ["a quote", 'say "x"', '"say \\"x\\""'],
  ["a newline", "a\nb", '"a\\nb"'],
  ["an escape sequence", "\u001b[31m", '"\\u001b[31m"'],
  ["a bidi override", "a\u202eb", '"a?b"'],
  ["nothing", "", '""'],
])("an argument with %s is quoted on its one line", (_, argument, shown) => {
  expect(formatPlan([{ kind: "exec", argv: ["echo", argument] }])).toBe(`1. exec argv=[echo ${shown}]\n`);
});

test("flags without a name are shown as a number", () => {
  expect(formatPlan([{ kind: "unshare", flags: 0x8000_0000 }])).toBe("1. unshare flags=0x80000000\n");
});

test("supplementary groups that stay as they are are not shown, dropped ones are", () => {
  const step = {
    kind: "credentials",
    uid: 1,
    gid: 1,
    bounding: 0n,
    permitted: 0n,
    effective: 0n,
    inheritable: 0n,
    ambient: 0n,
  } as const;
  expect(formatPlan([{ ...step, groups: undefined }])).not.toContain("groups");
  expect(formatPlan([{ ...step, groups: [] }])).toContain("groups=[]");
});
