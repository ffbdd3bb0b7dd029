import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Plan } from "../../src/helper/plan.js";
import type { Privilege } from "../../src/helper/privilege.js";
import { execProcess, type ExecOptions } from "../../src/launch/exec-process.js";
import { planExec } from "../../src/launch/plan-exec.js";
import { canIsolate, canIsolateAs, makeLauncher, type Launcher } from "./launcher.js";
import { hasCompiler } from "./probe.js";
import { allCapabilities, root, single, spec } from "./samples.js";

const able = canIsolate && hasCompiler;
const users: readonly (readonly [name: string, privilege: Privilege, id: number, able: boolean])[] = [
  ["needs root with namespaces, cc and the helper: from a container of root's", root, 0, able],
  [
    "needs root, user namespaces, cc, setpriv and the helper: from a container of an ordinary user's",
    single,
    12345,
    able && canIsolateAs(12345),
  ],
];

for (const [name, privilege, id, runs] of users) {
  describe.skipIf(!runs)(name, () => {
    attacks(privilege, id);
  });
}

function attacks(privilege: Privilege, id: number): void {
  let launcher: Launcher;
  beforeAll(() => {
    launcher = makeLauncher(privilege, id);
  });
  afterAll(() => {
    launcher.probe.remove();
  });

  test("CVE-2023-25809: the host's cgroups cannot be changed, though they are seen with --cgroupns host", () => {
    const paths = ["/sys/fs/cgroup/new", "/sys/fs/cgroup/unified/new", "/sys/fs/cgroup/memory/new"];
    const { stdout } = launcher.run(
      paths.flatMap((path) => ["create", path]),
      { options: { cgroupns: "host" } },
    );
    expect(stdout).toMatch(/^\/sys\/fs\/cgroup\/new EROFS$/m);
    expect(stdout).not.toMatch(/ ok$/m);
  });

  test("CVE-2022-0492: no cgroup namespace is made and nothing mounted, by the filter or without it", () => {
    const mount = ["mount-cgroup", "/dev/shm"];
    expect(launcher.run([...mount, "call", "272,0x10000000"]).stdout).toBe("/dev/shm EPERM\n272 EPERM\n");
    const unfiltered = launcher.run([...mount, "call", "272,0x2000000"], {
      options: { seccomp: "unconfined" },
    });
    expect(unfiltered.stdout).toBe("/dev/shm EPERM\n272 EPERM\n");
  });

  test("CVE-2022-24769, CVE-2022-27649: there is nothing to inherit, for root and for others", () => {
    for (const user of ["", String(id === 0 ? 1000 : id)]) {
      const { stdout } = launcher.run(["cat", "/proc/self/status"], { user });
      expect(stdout).toMatch(/^CapInh:\t0{16}$/m);
      expect(stdout).toMatch(/^CapAmb:\t0{16}$/m);
    }
  });

  test("the session keyring is the container's own, and no call reaches another", () => {
    const { stdout } = launcher.run(["cat", "/proc/keys", "call", "250,0,-3,0"], {
      options: { unmasked: true },
    });
    expect(stdout).toContain(`_ses.${launcher.ids().at(-1)}`);
    expect(stdout).toContain("250 EPERM\n");
  });

  test("what is hidden is empty, what is read-only cannot be written", () => {
    const hidden = ["cat", "/proc/keys", "cat", "/proc/timer_list", "list", "/sys/firmware"];
    const { stdout } = launcher.run([...hidden, "write", "/proc/sys/kernel/core_pattern"]);
    expect(stdout).toMatch(/^\/proc\/sys\/kernel\/core_pattern (?:EROFS|EACCES)\n$/);
  });

  test("no descriptor of the host's is there, and none but the three", () => {
    expect(launcher.run(["descriptors"]).stdout).toBe("0 1 2 \n");
  });
}

describe("exec", () => {
  const container = spec().process;
  const asked: ExecOptions = {
    args: ["/a"],
    env: [],
    interactive: false,
    tty: false,
    detached: false,
    privileged: false,
  };

  const planned = (options: ExecOptions): Plan =>
    planExec({
      container: { containerId: "c", pid: 1, start: 1n, namespaces: [], procsFiles: [] },
      process: execProcess({ container, accounts: {}, options }),
      own: allCapabilities,
      interactive: false,
      supervised: false,
      seccomp: undefined,
    });

  test.each([
    ["1", 1],
    ["00001", 1],
    ["1000", 1000],
    ["2147483647", 2147483647],
  ])("CVE-2026-30892: -u %s is %i, never 0", (user, uid) => {
    expect(execProcess({ container, accounts: {}, options: { ...asked, user } }).user.uid).toBe(uid);
  });

  test.each(["-1", "+1", "4294967296", "4294967295", "1:4294967296", "1:2:3", "0x1", "1e3", " 1"])(
    "CVE-2026-30892: -u '%s' is refused",
    (user) => {
      expect(() => execProcess({ container, accounts: {}, options: { ...asked, user } })).toThrow(/^user: /);
    },
  );

  test.each([
    ["root", undefined, false],
    ["another user", "1000", false],
    ["privileged root", undefined, true],
    ["another user, privileged", "1000", true],
  ])("CVE-2022-27650, CVE-2022-29162: %s inherits nothing", (_, user, privileged) => {
    const plan = planned({ ...asked, privileged, ...(user === undefined ? {} : { user }) });
    expect(plan.find(({ kind }) => kind === "credentials")).toMatchObject({ inheritable: 0n, ambient: 0n });
  });

  test("CVE-2019-5736: the helper seals itself before it enters the container", () => {
    const kinds = planned(asked).map(({ kind }) => kind);
    expect(kinds[0]).toBe("seal");
    expect(kinds).toContain("join");
  });
});
