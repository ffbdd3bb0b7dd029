import { afterAll, beforeAll, describe, expect, test } from "vitest";
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
