import { spawn, spawnSync, type StdioOptions } from "node:child_process";
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, describe, expect, test } from "vitest";
import { cloneFlags, fileTypes, mountFlags } from "../../src/helper/constants.js";
import { encodePlan } from "../../src/helper/plan-encoding.js";
import { openHelper } from "../../src/helper/process.js";
import type { Plan, PlanStep } from "../../src/helper/plan.js";
import { missing } from "../support/tools.js";
import { until } from "./supervised.js";
import {
  compileProbe,
  helperBuilds,
  helperPath,
  isolated,
  isRoot,
  namespacesAvailable,
  shell,
  temporaryDirectory,
} from "./support.js";

const available = await namespacesAvailable();
const needs = available ? "" : "needs namespaces: ";

const { MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_RDONLY, MS_REC } = mountFlags;

/** `look`: prints what its arguments are from the inside of an otherwise empty root. */
const lookSource = String.raw`
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>
static void look (const char *path) {
  struct stat st; char text[256]; ssize_t size;
  if (lstat (path, &st) < 0) { printf ("%s absent\n", path); return; }
  printf ("%s %o", path, st.st_mode);
  if (S_ISCHR (st.st_mode)) printf (" %x", (unsigned) st.st_rdev);
  if (S_ISREG (st.st_mode)) {
    int fd = open (path, O_RDONLY);
    size = read (fd, text, sizeof text);
    printf (" %.*s", size < 0 ? 0 : (int) size, text);
    close (fd);
  }
  if (S_ISDIR (st.st_mode)) {
    DIR *dir = opendir (path); int count = 0;
    while (dir && readdir (dir)) count++;
    printf (" %d%s", count - 2, access (path, W_OK) == 0 ? "" : " read-only");
  }
  printf ("\n");
}
int main (int argc, char **argv) {
  char cwd[256];
  if (argc == 1) printf ("%s\n", getcwd (cwd, sizeof cwd));
  for (int i = 1; i < argc; i++) look (argv[i]);
  return 0;
}`;

const probeDirectory = available ? mkdtempSync(join(tmpdir(), "pullrun-look-")) : "";
const probe = join(probeDirectory, "look");
if (available) compileProbe(lookSource, probe);
afterAll(() => rmSync(probeDirectory, { recursive: true, force: true }));

interface Rootfs {
  readonly path: string;
  /** Beside the root: what an escape would reach. */
  readonly outside: string;
}

function makeRootfs(): Rootfs {
  const directory = temporaryDirectory();
  const path = join(directory, "root");
  const outside = join(directory, "outside");
  mkdirSync(path);
  mkdirSync(outside);
  writeFileSync(join(outside, "canary"), "alive");
  cpSync(probe, join(path, "look"));
  return { path, outside };
}

const proc: PlanStep = {
  kind: "mount",
  fstype: "proc",
  source: "proc",
  target: "/proc",
  flags: MS_NOSUID | MS_NODEV | MS_NOEXEC,
  data: "",
};
const tmpfs = (target: string, flags: number = MS_NOSUID): PlanStep => ({
  kind: "mount",
  fstype: "tmpfs",
  source: "tmpfs",
  target,
  flags,
  data: "mode=755,size=64k",
});

describe.skipIf(!available).each(helperBuilds())(`${needs}%s`, (_, path) => {
  const helper = openHelper(path);

  /** Runs `look` with these arguments in the root, after the steps. */
  async function look(
    rootfs: Rootfs,
    steps: Plan,
    args: readonly string[],
    after: Plan = [],
  ): Promise<string[]> {
    const file = join(temporaryDirectory(), "out");
    const fd = openSync(file, "w");
    const root: Plan = [isolated(), { kind: "private-mounts" }, { kind: "root-bind", path: rootfs.path }];
    const exec: PlanStep = { kind: "exec", argv: ["/look", ...args] };
    try {
      await helper.run([...root, ...steps, { kind: "pivot" }, ...after, exec], { stdout: fd });
    } finally {
      closeSync(fd);
    }
    return readFileSync(file, "utf8").trimEnd().split("\n");
  }

  function expectUntouched({ outside }: Rootfs): void {
    expect(readdirSync(outside)).toEqual(["canary"]);
    expect(readFileSync(join(outside, "canary"), "utf8")).toBe("alive");
  }

  test("after pivot only the container's root can be seen", async () => {
    const rootfs = makeRootfs();
    expect(await look(rootfs, [], ["/", "/.."])).toEqual(["/ 40755 1", "/.. 40755 1"]);
  });

  test("the root can be an overlay whose writes go to the upper directory", async () => {
    const rootfs = makeRootfs();
    const [at, upper, work] = ["merged", "upper", "work"].map((name) => join(rootfs.outside, "..", name));
    for (const made of [at, upper, work]) mkdirSync(made as string);
    const options = isRoot ? "" : "userxattr";
    const status = await helper.run(
      [
        isolated(),
        { kind: "private-mounts" },
        { kind: "root-overlay", at, upper, work, options, lowers: [rootfs.path] } as PlanStep,
        { kind: "file", target: "/etc/made", mode: 0o640, data: "text" },
        { kind: "pivot" },
        { kind: "exec", argv: ["/look"] },
      ],
      {},
    );
    expect(status).toBe(0);
    expect(readFileSync(join(upper as string, "etc/made"), "utf8")).toBe("text");
    expect(existsSync(join(rootfs.path, "etc"))).toBe(false);
    expect(readdirSync(at as string)).toEqual([]);
  });

  test.skipIf(!isRoot)("needs root: an overlay takes 128 lowers with long paths", async () => {
    const directory = temporaryDirectory();
    const lowers = Array.from({ length: 128 }, (_unused, index) =>
      join(directory, `${"long".repeat(20)}-${index}`),
    );
    for (const [index, lower] of lowers.entries()) {
      mkdirSync(lower);
      writeFileSync(join(lower, `file-${index}`), "");
    }
    cpSync(probe, join(lowers[127] as string, "look"));
    const [at = "", upper = "", work = ""] = ["merged", "upper", "work"].map((name) => join(directory, name));
    for (const made of [at, upper, work]) mkdirSync(made);
    const plan: Plan = [
      isolated(),
      { kind: "private-mounts" },
      { kind: "root-overlay", at, upper, work, options: "", lowers },
      { kind: "pivot" },
      { kind: "exec", argv: ["/look"] },
    ];
    expect(await helper.run(plan, {})).toBe(0);
  });

  test("directories, nodes, links and files are made inside the root", async () => {
    const rootfs = makeRootfs();
    const steps: Plan = [
      tmpfs("/dev"),
      { kind: "mkdir", target: "/dev/a/b", mode: 0o1777, uid: 0, gid: 0 },
      {
        kind: "mknod",
        target: "/dev/fifo",
        mode: fileTypes.S_IFIFO | 0o622,
        major: 0,
        minor: 0,
        uid: 0,
        gid: 0,
      },
      { kind: "symlink", text: "/proc/self/fd", target: "/dev/fd" },
      { kind: "file", target: "/dev/note", mode: 0o444, data: "hi" },
    ];
    const paths = ["/dev", "/dev/a", "/dev/a/b", "/dev/fifo", "/dev/fd", "/dev/note"];
    expect(await look(rootfs, steps, paths)).toEqual([
      "/dev 40755 4",
      "/dev/a 40755 1",
      "/dev/a/b 41777 0",
      "/dev/fifo 10622",
      "/dev/fd 120777",
      "/dev/note 100444 hi",
    ]);
    expect(readdirSync(join(rootfs.path, "dev"))).toEqual([]);
  });

  test.skipIf(!isRoot)("needs root: device nodes work", async () => {
    const node: PlanStep = {
      kind: "mknod",
      target: "/dev/null",
      mode: fileTypes.S_IFCHR | 0o666,
      major: 1,
      minor: 3,
      uid: 0,
      gid: 0,
    };
    expect(await look(makeRootfs(), [tmpfs("/dev"), node, node], ["/dev/null"])).toEqual([
      "/dev/null 20666 103",
    ]);
  });

  test("a masked file is /dev/null, a masked directory empty, and what is not there is no matter", async () => {
    const rootfs = makeRootfs();
    mkdirSync(join(rootfs.path, "secrets"));
    writeFileSync(join(rootfs.path, "secrets/key"), "key");
    writeFileSync(join(rootfs.path, "file"), "key");
    const steps = ["/secrets", "/file", "/absent", "/file/below"].map(
      (target) => ({ kind: "mask", target }) as const,
    );
    expect(await look(rootfs, steps, ["/secrets", "/file"])).toEqual([
      "/secrets 40755 0 read-only",
      "/file 20666 103",
    ]);
  });

  test("a read-only path stays readable and refuses writes", async () => {
    const rootfs = makeRootfs();
    mkdirSync(join(rootfs.path, "etc"));
    const steps: Plan = [
      { kind: "readonly", target: "/etc" },
      { kind: "readonly", target: "/absent" },
    ];
    expect(await look(rootfs, steps, ["/etc"])).toEqual(["/etc 40755 0 read-only"]);
  });

  test("the root itself can be made read-only", async () => {
    expect(await look(makeRootfs(), [{ kind: "remount", target: "/", flags: MS_RDONLY }], ["/"])).toEqual([
      "/ 40755 1 read-only",
    ]);
  });

  test.each([
    ["nosuid", MS_NOSUID],
    ["nodev", MS_NODEV],
    ["noexec", MS_NOEXEC],
    ["ro", MS_RDONLY],
  ])("a mount and a bind asked to be %s are, and a mount is nothing else", async (option, flags) => {
    const { path: root, outside } = makeRootfs();
    const output = join(outside, "mountinfo");
    const plan: Plan = [
      isolated(),
      { kind: "private-mounts" },
      { kind: "root-bind", path: root },
      tmpfs("/mount", flags),
      { kind: "bind", source: outside, target: "/bind", flags },
      ...shell(`cat /proc/self/mountinfo > ${output}`),
    ];
    expect(await helper.run(plan, {})).toBe(0);
    const optionsOf = (name: string): string[] => {
      const line = readFileSync(output, "utf8")
        .split("\n")
        .find((text) => text.includes(` ${root}/${name} `));
      return line?.split(" ")[5]?.split(",") ?? [];
    };
    const known = ["nosuid", "nodev", "noexec", "ro"];
    expect(optionsOf("mount").filter((word) => known.includes(word))).toEqual([option]);
    expect(optionsOf("bind")).toContain(option);
  });

  test("files and directories of the host are bound, read-only when asked", async () => {
    const rootfs = makeRootfs();
    const steps: Plan = [
      { kind: "bind", source: join(rootfs.outside, "canary"), target: "/etc/canary", flags: 0 },
      { kind: "bind", source: rootfs.outside, target: "/mnt/outside", flags: MS_REC | MS_RDONLY },
    ];
    expect(await look(rootfs, steps, ["/etc/canary", "/mnt/outside"])).toEqual([
      "/etc/canary 100644 alive",
      "/mnt/outside 40755 1 read-only",
    ]);
    expectUntouched(rootfs);
  });

  test.each([
    ["a file onto a directory", "canary", "EISDIR"],
    ["a directory onto a file", ".", "ENOTDIR"],
  ])("binding %s is refused", async (_name, source, errno) => {
    const rootfs = makeRootfs();
    mkdirSync(join(rootfs.path, "directory"));
    const target = errno === "EISDIR" ? "/directory" : "/look";
    const bind: PlanStep = { kind: "bind", source: join(rootfs.outside, source), target, flags: 0 };
    await expect(look(rootfs, [bind], [])).rejects.toMatchObject({
      info: { details: { errno, kind: "bind" } },
    });
  });

  describe("an image with symlinks where the host's files would be", () => {
    test.each([
      ["absolute", (outside: string) => outside],
      ["upwards", () => "../../../outside"],
      ["relative and upwards", () => "../outside"],
    ])("cannot have a bind target, file, directory or node made outside: %s", async (_name, link) => {
      const rootfs = makeRootfs();
      for (const name of ["etc", "dev"]) symlinkSync(link(rootfs.outside), join(rootfs.path, name));
      symlinkSync(join(rootfs.outside, "made"), join(rootfs.path, "dangling"));
      const steps: Plan = [
        { kind: "bind", source: join(rootfs.outside, "canary"), target: "/etc/resolv.conf", flags: 0 },
        { kind: "bind", source: join(rootfs.outside, "canary"), target: "/dangling", flags: 0 },
        { kind: "file", target: "/etc/hosts", mode: 0o644, data: "x" },
        { kind: "mkdir", target: "/etc/newdir", mode: 0o755, uid: 0, gid: 0 },
        {
          kind: "mknod",
          target: "/dev/fifo",
          mode: fileTypes.S_IFIFO | 0o600,
          major: 0,
          minor: 0,
          uid: 0,
          gid: 0,
        },
        { kind: "symlink", text: "x", target: "/dev/ptmx" },
        tmpfs("/dev/shm"),
      ];
      const seen = await look(rootfs, steps, ["/etc/resolv.conf", "/etc/hosts", "/dev/fifo"]);
      expect(seen).toEqual(["/etc/resolv.conf 100644 alive", "/etc/hosts 100644 x", "/dev/fifo 10600"]);
      expectUntouched(rootfs);
    });

    test.each([
      ["proc", "/proc"],
      ["sysfs", "/sys"],
    ])("cannot have %s mounted elsewhere than at %s", async (fstype, target) => {
      const rootfs = makeRootfs();
      mkdirSync(join(rootfs.path, "other"));
      symlinkSync("other", join(rootfs.path, target.slice(1)));
      const step: PlanStep = { kind: "mount", fstype, source: fstype, target, flags: 0, data: "" };
      await expect(look(rootfs, [step], [])).rejects.toMatchObject({
        info: { details: { kind: "mount", errno: "ELOOP", object: target } },
      });
    });

    test("cannot have a file written through them", async () => {
      const rootfs = makeRootfs();
      mkdirSync(join(rootfs.path, "etc"));
      symlinkSync(join(rootfs.outside, "canary"), join(rootfs.path, "etc/hosts"));
      const step: PlanStep = { kind: "file", target: "/etc/hosts", mode: 0o644, data: "overwritten" };
      expect(await look(rootfs, [step], ["/etc/hosts"])).toEqual(["/etc/hosts 100644 overwritten"]);
      expectUntouched(rootfs);
    });

    test("cannot keep us busy with links in a circle", async () => {
      const rootfs = makeRootfs();
      symlinkSync("b", join(rootfs.path, "a"));
      symlinkSync("a", join(rootfs.path, "b"));
      const step: PlanStep = { kind: "mkdir", target: "/a/x", mode: 0o755, uid: 0, gid: 0 };
      await expect(look(rootfs, [step], [])).rejects.toMatchObject({ info: { details: { errno: "ELOOP" } } });
    });

    test("is told that what it takes for a directory is a file", async () => {
      const rootfs = makeRootfs();
      writeFileSync(join(rootfs.path, "file"), "");
      const step: PlanStep = { kind: "mkdir", target: "/file", mode: 0o755, uid: 0, gid: 0 };
      await expect(look(rootfs, [step], [])).rejects.toThrow("cannot make directory: /file: Not a directory");
    });

    test("is served a dangling link's target inside the root", async () => {
      const rootfs = makeRootfs();
      mkdirSync(join(rootfs.path, "etc"));
      symlinkSync("../run/systemd/resolve/stub-resolv.conf", join(rootfs.path, "etc/resolv.conf"));
      const source = join(rootfs.outside, "canary");
      const step: PlanStep = { kind: "bind", source, target: "/etc/resolv.conf", flags: 0 };
      expect(await look(rootfs, [step], ["/run/systemd/resolve/stub-resolv.conf"])).toEqual([
        "/run/systemd/resolve/stub-resolv.conf 100644 alive",
      ]);
    });
  });

  describe("the working directory", () => {
    test("is the one asked for", async () => {
      const rootfs = makeRootfs();
      mkdirSync(join(rootfs.path, "srv/data"), { recursive: true });
      expect(await look(rootfs, [], [], [{ kind: "working-dir", path: "/srv/data" }])).toEqual(["/srv/data"]);
    });

    test("is never a host directory that is open: /proc/self/fd/3 to 64 (CVE-2024-21626)", () => {
      const rootfs = makeRootfs();
      const numbers = Array.from({ length: 62 }, (_unused, index) => index + 3);
      const plan: Plan = [
        isolated(),
        { kind: "private-mounts" },
        { kind: "root-bind", path: rootfs.path },
        proc,
        { kind: "pivot" },
        // Each is tried, and whichever led out would be where the program starts.
        ...numbers.map(
          (fd) => ({ kind: "working-dir", path: `/proc/self/fd/${fd}`, optional: true }) as const,
        ),
        { kind: "exec", argv: ["/look", "canary"] },
      ];
      const file = join(temporaryDirectory(), "plan");
      writeFileSync(file, encodePlan(plan));
      const leaked = openSync(rootfs.outside, "r");
      const stdio: StdioOptions = ["ignore", "pipe", "pipe", ...numbers.map(() => leaked)];
      const { stdout, stderr } = spawnSync(path, ["run", file], { encoding: "utf8", stdio });
      closeSync(leaked);
      expect(stdout + stderr).toBe("canary absent\n");
    });

    // Both are inside the root: here the second defence, which asks where we are, has nothing to say.
    test.each(["root", "cwd"])(
      "is not reached by a magic link: /proc/self/%s (CVE-2024-21626)",
      async (link) => {
        const step: PlanStep = { kind: "working-dir", path: `/proc/self/${link}` };
        await expect(look(makeRootfs(), [proc], [], [step])).rejects.toMatchObject({
          info: { details: { kind: "working-dir", errno: "ELOOP" } },
        });
      },
    );

    // The address sanitizer's look for leaks does not work where strace does.
    if (path === helperPath())
      test.skipIf(missing("strace") !== "").each([
        ["is an error", false, "working directory is outside the container: /srv/data"],
        ["leaves us at the root, should that not matter", true, "^here absent\n$"],
      ])(
        `${missing("strace")}once it is moved out of the root %s (CVE-2024-21626)`,
        async (_what, optional, expected) => {
          const rootfs = makeRootfs();
          mkdirSync(join(rootfs.path, "srv/data"), { recursive: true });
          writeFileSync(join(rootfs.path, "srv/data/here"), "");
          const plan: Plan = [
            isolated(),
            { kind: "private-mounts" },
            { kind: "root-bind", path: rootfs.path },
            { kind: "pivot" },
            { kind: "working-dir", path: "/srv/data", ...(optional ? { optional } : {}) },
            { kind: "exec", argv: ["/look", "here"] },
          ];
          const [file, trace] = [join(temporaryDirectory(), "plan"), join(temporaryDirectory(), "trace")];
          writeFileSync(file, encodePlan(plan));
          // Half a second after it was opened, before we go there and ask where that is.
          const inject = ["-e", "trace=openat2,fchdir", "-e", "inject=fchdir:delay_enter=500000"];
          const strace = ["-f", "-qqq", "-o", trace, ...inject, path, "run", file];
          const child = spawn("strace", strace, { stdio: ["ignore", "pipe", "pipe"] });
          const said = Promise.all([text(child.stdout), text(child.stderr)]);
          // Of a process in a user namespace strace cannot read the path.
          const opened = /openat2\(AT_FDCWD, (?:"\/srv\/data"|0x)/;
          await until(() => existsSync(trace) && opened.test(readFileSync(trace, "utf8")));
          renameSync(join(rootfs.path, "srv"), join(rootfs.outside, "srv"));
          expect((await said).join("")).toMatch(new RegExp(expected));
        },
      );

    test.each(["relative", "", "/absent", "/look"])("is refused: %j", async (cwd) => {
      const step: PlanStep = { kind: "working-dir", path: cwd };
      await expect(look(makeRootfs(), [], [], [step])).rejects.toThrow(
        "cannot change to the working directory",
      );
    });
  });

  test("a path step before any root is refused instead of acting on the host", async () => {
    const target = "/pullrun-canary";
    const plan: Plan = [isolated(), { kind: "mkdir", target, mode: 0o755, uid: 0, gid: 0 }];
    await expect(helper.run(plan, {})).rejects.toMatchObject({
      info: { details: { kind: "mkdir", errno: "EBADF" } },
    });
    expect(existsSync(target)).toBe(false);
  });

  test("nothing mounted for a container is seen by the host", async () => {
    const before = readFileSync("/proc/self/mountinfo", "utf8");
    await look(makeRootfs(), [proc, tmpfs("/dev"), { kind: "mask", target: "/look" }], ["/"]).catch(
      () => undefined,
    );
    expect(readFileSync("/proc/self/mountinfo", "utf8")).toBe(before);
  });

  test("names, sysctls, loopback and limits are those of the container", async () => {
    const extra = cloneFlags.CLONE_NEWUTS | cloneFlags.CLONE_NEWNET | cloneFlags.CLONE_NEWIPC;
    const file = join(temporaryDirectory(), "out");
    const fd = openSync(file, "w");
    const plan: Plan = [
      isolated(extra),
      { kind: "private-mounts" },
      { kind: "root-dir", path: "/" },
      proc,
      { kind: "hostname", name: "box" },
      { kind: "domainname", name: "example.org" },
      { kind: "loopback" },
      { kind: "sysctl", key: "net/ipv4/ip_unprivileged_port_start", value: "80" },
      { kind: "session-keyring", name: "test", optional: true },
      { kind: "rlimit", resource: 7, soft: 100, hard: 200 },
      { kind: "environment", entries: ["PATH=/usr/bin:/bin"] },
      {
        kind: "exec",
        argv: [
          "sh",
          "-c",
          "cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname /proc/sys/net/ipv4/ip_unprivileged_port_start; ulimit -n -H; ulimit -n -S; grep -c lo: /proc/net/dev",
        ],
      },
    ];
    await helper.run(plan, { stdout: fd });
    closeSync(fd);
    const seen = readFileSync(file, "utf8").trim().split("\n");
    expect(seen).toEqual(["box", "example.org", "80", "200", "100", "1"]);
  });

  test.each(["../../etc/hostname", "/kernel/hostname", "kernel", "no/such/key", "kernel/hostname/x"])(
    "a sysctl that is no setting below /proc/sys is refused: %s",
    async (key) => {
      const plan: Plan = [isolated(), { kind: "sysctl", key, value: "1" }];
      await expect(helper.run(plan, {})).rejects.toMatchObject({ info: { details: { kind: "sysctl" } } });
    },
  );
});
