import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { Privilege } from "../../src/helper/privilege.js";
import { callAnswers, callArguments } from "./denied-calls.js";
import { canChroot, canIsolate, canIsolateAs, makeLauncher, type Launcher } from "./launcher.js";
import { hasCompiler } from "./probe.js";
import { root, single } from "./samples.js";

const able = canIsolate && hasCompiler;
const users: readonly (readonly [name: string, privilege: Privilege, id: number, able: boolean])[] = [
  ["needs root with namespaces, cc and the helper: a container of root's", root, 0, able],
  [
    "needs root, user namespaces, cc, setpriv and the helper: a container of an ordinary user's",
    single,
    12345,
    able && canIsolateAs(12345),
  ],
];

function field(status: string, name: string): string {
  return new RegExp(`^${name}:\\s*(\\S+)$`, "m").exec(status)?.[1] ?? "";
}

for (const [name, privilege, id, runs] of users) {
  describe.skipIf(!runs)(name, () => {
    confinementTests(privilege, id);
  });
}

function confinementTests(privilege: Privilege, id: number): void {
  let launcher: Launcher;
  beforeAll(() => {
    launcher = makeLauncher(privilege, id);
  });
  afterAll(() => {
    launcher.probe.remove();
  });

  test("is denied the system calls docker denies", () => {
    expect(launcher.run(callArguments).stdout).toBe(callAnswers);
  });

  test.each([
    ["root", "", "00000000a80425fb"],
    ["the user it was asked to run as", String(id === 0 ? 1000 : id), "0000000000000000"],
  ])("has docker's capabilities and a filter, as %s", (_user, user, effective) => {
    const { stdout } = launcher.run(["cat", "/proc/self/status"], { user });
    expect(
      ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"].map((name) =>
        field(stdout, name),
      ),
    ).toEqual(["0000000000000000", effective, effective, "00000000a80425fb", "0000000000000000", "0", "2"]);
  });

  test("with no-new-privileges has it, and the same filter", () => {
    const { stdout } = launcher.run(["cat", "/proc/self/status", ...callArguments], {
      options: { noNewPrivileges: true },
    });
    expect([field(stdout, "NoNewPrivs"), field(stdout, "Seccomp")]).toEqual(["1", "2"]);
    expect(stdout).toContain(callAnswers);
  });

  test("without seccomp has no filter, and the kernel alone decides", () => {
    const { stdout } = launcher.run(["cat", "/proc/self/status", "call", "272,0"], {
      options: { seccomp: "unconfined" },
    });
    expect(field(stdout, "Seccomp")).toBe("0");
    expect(stdout).toContain("272 ok\n");
  });

  test("with a profile of one's own has that one", () => {
    const text = JSON.stringify({
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["getpid"], action: "SCMP_ACT_ERRNO", errnoRet: 30 }],
    });
    const { stdout } = launcher.run(["call", "39"], { options: { seccomp: { file: "p", text } } });
    expect(stdout).toBe("39 EROFS\n");
  });

  test("has the capabilities it was given and no others, and the calls that go with them", () => {
    const { stdout } = launcher.run(["cat", "/proc/self/status", "call", "166", "call", "321,0,0"], {
      options: { capDrop: ["ALL"], capAdd: ["SYS_ADMIN"] },
    });
    expect([field(stdout, "CapBnd"), field(stdout, "CapEff")]).toEqual([
      "0000000000200000",
      "0000000000200000",
    ]);
    expect(stdout).toMatch(/166 E(?:FAULT|INVAL|NOENT)/);
  });

  test("has the limits of its processes", () => {
    const ulimits = [
      { name: "nofile", soft: 100, hard: 200 },
      { name: "core", soft: 0, hard: 0 },
    ];
    const { stdout } = launcher.run(["cat", "/proc/self/limits"], { options: { ulimits } });
    expect(stdout).toMatch(/^Max open files +100 +200 +files/m);
    expect(stdout).toMatch(/^Max core file size +0 +0 +bytes/m);
  });

  test("has a score for when memory is short", () => {
    const { stdout } = launcher.run(["cat", "/proc/self/oom_score_adj"], { options: { oomScoreAdj: 500 } });
    expect(stdout).toBe("500\n");
  });

  test("has settings of its own in its namespaces", () => {
    const { stdout, stderr } = launcher.run(
      ["cat", "/proc/sys/net/ipv4/ip_forward", "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"],
      { options: { sysctls: { "net.ipv4.ip_forward": "1" } } },
    );
    expect(stdout + stderr).toBe("1\n0\n");
  });

  test("CVE-2022-0811: a setting hidden in another's value is not made", () => {
    const machines = "/proc/sys/kernel/core_pattern";
    const before = readFileSync(machines, "utf8");
    // Of the machine these tests run on: what got through stays no longer than the test.
    onTestFinished(() => {
      if (readFileSync(machines, "utf8") !== before) writeFileSync(machines, before);
    });
    const sysctls = { "net.ipv4.ip_forward": "1+kernel.core_pattern=|/evil" };
    const { status, stderr } = launcher.run(["pid", ""], { options: { sysctls } });
    expect(status).toBe(125);
    expect(stderr).toContain("cannot set kernel setting: net/ipv4/ip_forward: Invalid argument");
    expect(readFileSync(machines, "utf8")).toBe(before);
  });

  test("with an init is the second process, and its exit status is the container's", () => {
    const { status, stdout } = launcher.run(["pid", "", "cat", "/proc/1/comm", "exit", "7"], {
      options: { init: true },
    });
    expect([status, stdout]).toEqual([7, "pid 2\npullrun-helper\n"]);
  });

  test("with an init that finds no program gives 127", () => {
    expect(launcher.run([], { options: { init: true }, command: ["/none"] }).status).toBe(127);
  });

  test.each([
    ["pid", { pid: "host" }, "pid"],
    ["ipc", { ipc: "host" }, "ipc"],
    ["uts", { uts: "host" }, "uts"],
    ["cgroup", { cgroupns: "host" }, "cgroup"],
  ] as const)("shares the host's %s namespace when asked to", (_kind, options, name) => {
    const { stdout, stderr } = launcher.run(["link", `/proc/self/ns/${name}`], { options });
    expect(stdout + stderr).toBe(`${readlinkSync(`/proc/self/ns/${name}`)}\n`);
  });

  test("privileged, has every capability it can have, no filter, and all of /proc", () => {
    const { stdout, stderr } = launcher.run(["cat", "/proc/self/status", "list", "/proc/scsi"], {
      options: { privileged: true },
    });
    const full = id === 0 ? field(readFileSync("/proc/self/status", "utf8"), "CapPrm") : "000001ffffffffff";
    expect([field(stdout, "CapEff"), field(stdout, "Seccomp"), stderr]).toEqual([full, "0", ""]);
  });

  test("with a profile that kills ends by SIGSYS", () => {
    const text = JSON.stringify({
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["getpid"], action: "SCMP_ACT_KILL_PROCESS" }],
    });
    expect(launcher.run(["call", "39"], { options: { seccomp: { file: "p", text } } }).status).toBe(128 + 31);
  });
}

describe.skipIf(!canChroot)("needs root, cc and the helper: in chroot isolation", () => {
  test("there is a filter and no new privileges", () => {
    const launcher = makeLauncher(root, 0);
    const { stdout } = launcher.run(callArguments, { options: { isolation: "chroot" } });
    launcher.probe.remove();
    expect(stdout).toBe(callAnswers);
  });
});
