import { execFileSync } from "node:child_process";
import { readdirSync, readlinkSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCgroupHost } from "../../src/launch/cgroup-host.js";
import type { Privilege } from "../../src/helper/privilege.js";
import {
  canChroot,
  canIsolate,
  canIsolateAs,
  makeLauncher,
  type Launcher,
  type Result,
  type Wanted,
} from "./launcher.js";
import { makeErofs, needsErofs } from "../support/erofs.js";
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

for (const [name, privilege, id, runs] of users) {
  describe.skipIf(!runs)(name, () => {
    isolationTests(privilege, () => makeLauncher(privilege, id));
  });
}

/** An image with the probe, and a setuid copy of it. */
function erofsLauncher(): Launcher {
  return makeLauncher(root, 0, ({ rootfs, directory }) => {
    execFileSync("sh", ["-c", 'cp "$1/probe" "$1/suid" && chmod 4755 "$1/suid"', "sh", rootfs]);
    return makeErofs(rootfs, directory);
  });
}

describe.skipIf(!able || needsErofs !== "")(
  `${needsErofs}needs namespaces and cc: a container of root's on an erofs image`,
  () => {
    isolationTests(root, erofsLauncher);

    test("honours the image's setuid programs, though the image itself is mounted nosuid", () => {
      const launcher = erofsLauncher();
      const { stdout } = launcher.run(["cat", "/proc/self/status"], { user: "1000", command: ["/suid"] });
      launcher.probe.remove();
      expect(stdout).toMatch(/^Uid:\t1000\t0\t0\t0$/m);
    });

    test("sees no trace of the image's mount", () => {
      const launcher = erofsLauncher();
      const { stdout } = launcher.run(["cat", "/proc/self/mounts"]);
      launcher.probe.remove();
      expect(stdout).toContain("overlay / overlay");
      expect(stdout).not.toContain("erofs");
    });
  },
);

function isolationTests(privilege: Privilege, make: () => Launcher): void {
  let launcher: Launcher;
  beforeAll(() => {
    launcher = make();
  });
  afterAll(() => {
    launcher.probe.remove();
  });
  const run = (args: readonly string[], wanted?: Wanted): Result => launcher.run(args, wanted);

  test.each([
    ["its command's exit code", ["exit", "42"], undefined, 42],
    ["0 for success", [], undefined, 0],
    ["128 and the signal's number for a command that crashes", ["crash", "0"], undefined, 139],
    ["127 for a command that is not there", [], ["/missing"], 127],
    ["127 for a command not in PATH", [], ["missing"], 127],
    ["126 for a directory", [], ["/dev"], 126],
    ["126 for a file that is not a program", [], ["/etc/hosts"], 126],
  ] as const)("gives back %s", (_, args, command, status) => {
    expect(run(args, command === undefined ? {} : { command }).status).toBe(status);
  });

  test("says in one line what could not be started", () => {
    expect(run([], { command: ["/missing"] }).stderr).toMatch(/^pullrun: .*\/missing.*\n$/);
  });

  test("has only its own environment, directory, umask and three open files", () => {
    const { stdout } = run(["pid", "", "cwd", "", "umask", "", "descriptors", "", "env", ""], {
      options: { workdir: "/made/here", env: ["A=1"] },
    });
    expect(stdout).toMatch(
      /^pid 1\ncwd \/made\/here\numask 022\n0 1 2 \nPATH=[^\n]*\nHOSTNAME=[0-9a-f]{12}\nA=1\nHOME=\/\n$/,
    );
  });

  test("has namespaces of its own, and leaves the host's name alone", () => {
    const before = hostname();
    const kinds = ["mnt", "pid", "uts", "ipc", "net", "cgroup"];
    const { stdout } = run(kinds.flatMap((kind) => ["link", `/proc/self/ns/${kind}`]));
    const theirs = stdout.trim().split("\n");
    expect(theirs).toHaveLength(kinds.length);
    for (const [i, kind] of kinds.entries()) {
      expect(theirs[i]).toMatch(/^\w+:\[\d+\]$/);
      expect(theirs[i]).not.toBe(readlinkSync(`/proc/self/ns/${kind}`));
    }
    expect(hostname()).toBe(before);
  });

  test("has docker's capabilities and no others", () => {
    const { stdout } = run(["cat", "/proc/self/status"]);
    const sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map(
      (set) => new RegExp(`^${set}:\t0*([0-9a-f]+)$`, "m").exec(stdout)?.[1],
    );
    expect(sets).toEqual(["0", "a80425fb", "a80425fb", "a80425fb", "0"]);
  });

  test("sees docker's /dev", () => {
    const { stdout } = run(["list", "/dev"]);
    expect(stdout.trim().split("\n").toSorted()).toEqual([
      "core",
      "fd",
      "full",
      "mqueue",
      "null",
      "ptmx",
      "pts",
      "random",
      "shm",
      "stderr",
      "stdin",
      "stdout",
      "tty",
      "urandom",
      "zero",
    ]);
    const used = run([
      "write",
      "/dev/null",
      "write",
      "/dev/full",
      "open",
      "/dev/urandom",
      "open",
      "/dev/ptmx",
    ]).stdout;
    expect(used).toBe("/dev/null ok\n/dev/full ENOSPC\n/dev/urandom ok\n/dev/ptmx ok\n");
  });

  test("cannot open a device it makes, nor change the host's through a bound one", () => {
    const places = ["/disk", "/dev/disk", "/dev/shm/disk"];
    const { stdout } = run([...places.flatMap((place) => ["disk", place]), "chmod", "/dev/null"]);
    // Root may make the node but not open it; in a user namespace already mknod is refused.
    const refusal = privilege.kind === "root" ? "EACCES" : "EPERM";
    expect(stdout).toBe([...places.map((place) => `${place} ${refusal}`), "/dev/null EROFS", ""].join("\n"));
    expect(statSync("/dev/null").mode & 0o777).toBe(0o666);
  });

  test("cannot read or write what docker hides", () => {
    const secrets = ["/proc/kcore", "/proc/interrupts", "/proc/keys", "/proc/timer_list"];
    const { stdout: read } = run([...secrets.flatMap((path) => ["cat", path]), "list", "/sys/firmware"]);
    expect(read).toMatch(/^(\/proc\/\w+ ENOENT\n)*$/);
    const switches = ["/proc/sys/kernel/hostname", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger"];
    const { stdout: written } = run([
      ...switches.flatMap((path) => ["write", path]),
      "create",
      "/sys/fs/cgroup/x",
    ]);
    expect(written).toMatch(/^([/\w-]+ (EROFS|EACCES|ENOENT)\n){4}$/);
    expect(written).toContain("/sys/fs/cgroup/x EROFS");
  });

  test("sees only processes of its own and the loopback network", () => {
    const { stdout } = run(["list", "/proc", "list", "/sys/class/net"]);
    expect(stdout.split("\n").filter((name) => /^[0-9]+$/.test(name))).toEqual(["1"]);
    expect(stdout.trim().split("\n").at(-1)).toBe("lo");
  });

  test("is on the host's network when asked, under the host's name", () => {
    const { stdout } = run(["link", "/proc/self/ns/net", "cat", "/etc/hostname", "open", "/sys/class/net"], {
      options: { network: "host" },
    });
    expect(stdout).toBe(`${readlinkSync("/proc/self/ns/net")}\n${hostname()}\n/sys/class/net ok\n`);
  });

  test("has generated hosts, hostname and resolv.conf files", () => {
    const { stdout } = run(["cat", "/etc/hostname", "cat", "/etc/resolv.conf", "cat", "/etc/hosts"], {
      options: { hostname: "mine" },
    });
    expect(stdout).toMatch(/^mine\n127\.0\.0\.1\tlocalhost\n[^]*\tmine\n$/);
  });

  test("can write its root, unless it is read-only", () => {
    const args = ["create", "/new", "create", "/dev/shm/new", "mode", "/"];
    expect(run(args).stdout).toBe("/new ok\n/dev/shm/new ok\n40755 0:0\n");
    expect(run(args, { options: { readOnly: true } }).stdout).toMatch(/^\/new EROFS\n\/dev\/shm\/new ok\n/);
  });

  test("gets our stdin only when interactive", () => {
    const wanted = { input: "words\n" };
    expect(run(["cat", "-"], wanted).stdout).toBe("");
    expect(run(["cat", "-"], { ...wanted, options: { interactive: true } }).stdout).toBe("words\n");
  });

  test("leaves nothing behind", () => {
    run(["create", "/new"]);
    expect(launcher.leftovers()).toEqual([]);
  });

  test("cannot start in a directory that leads out (CVE-2024-21626)", () => {
    for (const fd of [3, 4, 5, 6, 7, 8, 9]) {
      const { status, stdout } = run(["list", "."], { options: { workdir: `/proc/self/fd/${fd}` } });
      expect([status, stdout]).toEqual([125, ""]);
    }
  });
}

const cgroups = readCgroupHost();
const unified = cgroups.hierarchies.find(({ version }) => version === 2);

/** Whether this machine has the controller on a v1 hierarchy that we may write to. */
function v1(controller: string): boolean {
  return cgroups.hierarchies.some(
    ({ controllers, own }) => controllers.includes(controller) && cgroups.writable(own),
  );
}

describe.skipIf(!able)("needs root with namespaces, cc and the helper: limits of root's containers", () => {
  let launcher: Launcher;
  beforeAll(() => {
    launcher = makeLauncher(root, 0);
  });
  afterAll(() => {
    launcher.probe.remove();
  });

  test("runs as another user, without capabilities", () => {
    const { stdout } = launcher.run(["cat", "/proc/self/status"], { user: "1000:1001" });
    expect(stdout).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/m);
    expect(stdout).toMatch(/^Groups:\t1001 ?$/m);
    expect(stdout).toMatch(/^CapEff:\t0+$/m);
    expect(stdout).toMatch(/^CapBnd:\t0*a80425fb$/m);
  });

  test.skipIf(!v1("memory"))("needs a writable memory cgroup: kills what eats too much", () => {
    expect(launcher.run(["eat", "20"], { options: { memory: 64 << 20 } })).toMatchObject({
      status: 0,
      stdout: "eat ok\n",
    });
    expect(launcher.run(["eat", "200"], { options: { memory: 32 << 20 } }).status).toBe(137);
  });

  test.skipIf(!v1("pids"))("needs a writable pids cgroup: stops a fork bomb", () => {
    expect(launcher.run(["forks", "50"], { options: { pidsLimit: 10 } }).stdout).toBe("forks 9\n");
    expect(launcher.run(["forks", "50"]).stdout).toBe("forks 50\n");
  });

  /** Containers' cgroups that are still there. */
  function left(parent: string): string[] {
    return readdirSync(`${parent}/pullrun`).filter((name) => launcher.ids().includes(name));
  }

  test.skipIf(!v1("cpu") || !v1("memory"))(
    "needs writable cpu and memory cgroups: shows the container its own limits, and removes them after",
    () => {
      const files = ["cpu/cpu.cfs_quota_us", "memory/memory.limit_in_bytes"].map(
        (file) => `/sys/fs/cgroup/${file}`,
      );
      const { stdout } = launcher.run(
        files.flatMap((file) => ["cat", file]),
        { options: { cpus: 0.5, memory: 64 << 20 } },
      );
      expect(stdout).toBe("50000\n67108864\n");
      const { own } = cgroups.hierarchies.find(({ controllers }) => controllers.includes("memory"))!;
      expect(left(own)).toEqual([]);
    },
  );

  test.skipIf(unified === undefined || !cgroups.writable(unified.mountPoint))(
    "needs a writable cgroup v2: gives the container a cgroup of its own, which it sees as the root",
    () => {
      const args = ["cat", "/sys/fs/cgroup/cgroup.procs", "create", "/sys/fs/cgroup/x"];
      expect(launcher.run(args, { onlyV2: true }).stdout).toBe("1\n/sys/fs/cgroup/x EROFS\n");
      expect(left(unified!.mountPoint)).toEqual([]);
    },
  );
});

test.skipIf(!able)(
  "needs root with namespaces, cc and the helper: an ordinary user's limit is refused, not forgotten",
  () => {
    const launcher = makeLauncher(single, 12345);
    const limited = (): Result => launcher.run([], { options: { memory: 64 << 20 } });
    expect(limited).toThrow(expect.objectContaining({ code: "NO_CGROUP" }) as Error);
    launcher.probe.remove();
  },
);

describe.skipIf(!canChroot)("needs root, cc and the helper: a container with chroot isolation", () => {
  let launcher: Launcher;
  beforeAll(() => {
    launcher = makeLauncher(root, 0);
  });
  afterAll(() => {
    launcher.probe.remove();
  });
  const chroot = { isolation: "chroot" } as const;

  test("runs the command in its root and gives back its exit code", () => {
    const { status, stdout } = launcher.run(["cwd", "", "cat", "/etc/hostname", "exit", "7"], {
      options: { ...chroot, workdir: "/made/here" },
    });
    expect([status, stdout]).toEqual([7, `cwd /made/here\n${hostname()}\n`]);
  });

  test("drops privileges and closes files", () => {
    const { stdout } = launcher.run(["descriptors", "", "open", "/dev/null", "disk", "/disk"], {
      options: chroot,
    });
    expect(stdout).toBe("0 1 2 \n/dev/null ok\n/disk EPERM\n");
    expect(launcher.leftovers()).toEqual([]);
  });
});
