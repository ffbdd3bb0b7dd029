import {
  chownSync,
  closeSync,
  existsSync,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
  type Dirent,
} from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { statusOf } from "../helper/supervised.js";
import { busybox, needsBusybox } from "../support/busybox.js";
import { pullrun, pullrunPath, temporaryDirectory, type CliOptions, type CliResult } from "../support/cli.js";
import { temporaryStore } from "../support/engine.js";
import { leftovers } from "../support/leftovers.js";
import { needsRealRoot } from "../support/namespaces.js";
import { needsPty, onPty } from "../support/pty.js";
import { missing } from "../support/tools.js";
import { squashIds, testUsers } from "../support/users.js";

const needs = `${needsBusybox}${needsRealRoot}${missing("runc")}`;

/** Of v1, which a test can delegate a part of, whatever this machine's own processes are in. */
const pidsHierarchy = "/sys/fs/cgroup/pids";
const noPids = existsSync(pidsHierarchy) ? "" : "needs cgroup v1: ";
const isDirectory = (entry: Dirent): boolean => entry.isDirectory();

/** `run --rm --runtime runc`, without a network unless the flags say so. */
function underRunc(root: string, args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const flags = ["--rm", "-q", "--runtime", "runc", "--network", "none"];
  return pullrun(["run", ...flags, ...args], { root, ...options });
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

describe.skipIf(needs !== "")(`${needs}--runtime runc`, () => {
  test.each([
    ["succeeds", ["true"], 0],
    ["ends with a status of its own", ["sh", "-c", "exit 42"], 42],
    [
      "ends with the status runc has for its own failures",
      ["sh", "-c", "echo exec not found >&2; exit 1"],
      1,
    ],
    ["is not in PATH", ["not-there"], 127],
    ["is at a path where nothing is", ["/not/there"], 127],
    ["may not be executed", ["/etc/passwd"], 126],
  ])("a program that %s gives docker's exit status, and nothing is left", async (_, command, status) => {
    const root = temporaryStore();
    const cidFile = path.join(root, "cid");
    expect((await underRunc(root, ["--cidfile", cidFile, busybox, ...command])).status).toBe(status);
    expect(await leftovers(root, [readFileSync(cidFile, "utf8")])).toEqual([]);
  });

  test("what runc complains of is said in its words, and the status is 125", async () => {
    const result = await underRunc(temporaryStore(), ["-w", "/etc/passwd", busybox, "true"]);
    expect(result).toMatchObject({
      status: 125,
      stderr: expect.stringContaining("not a directory") as string,
    });
  });

  test("standard input comes with -i, and is empty without", async () => {
    const root = temporaryStore();
    expect((await underRunc(root, ["-i", busybox, "cat"], { input: "abc" })).stdout).toBe("abc");
    expect((await underRunc(root, [busybox, "cat"], { input: "abc" })).stdout).toBe("");
  });

  test("environment, user, directory, volumes and limits are those of any container", async () => {
    const root = temporaryStore();
    const data = path.join(temporaryDirectory(), "data");
    mkdirSync(data);
    writeFileSync(path.join(data, "file"), "from the host\n");
    const script =
      "echo $A $(id -u):$(id -g) $(pwd) $(hostname); cat file; ls /filled/passwd; touch /new; " +
      "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null";
    const flags = [
      "-e",
      "A=b",
      "-u",
      "1000:1001",
      "-w",
      "/data",
      "--hostname",
      "box",
      "-m",
      "64m",
      "--read-only",
    ];
    const mounts = ["-v", `${data}:/data`, "-v", "filled:/etc", "-v", "filled:/filled"];
    const { stdout, stderr } = await underRunc(root, [...flags, ...mounts, busybox, "sh", "-c", script]);
    expect(stdout).toBe(`b 1000:1001 /data box\nfrom the host\n/filled/passwd\n${64 << 20}\n`);
    expect(stderr).toContain("Read-only file system");
  });

  test("a signal reaches the program", async () => {
    const root = temporaryStore();
    const script = "trap 'echo asked; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    const result = await underRunc(root, [busybox, "sh", "-c", script], {
      onStart: (child) => child.stdout?.once("data", () => child.kill("SIGTERM")),
    });
    expect(result).toMatchObject({ status: 7, stdout: "ready\nasked\n" });
  });

  test("whoever kills the supervisor kills the container, and rm takes what is left", async () => {
    const root = temporaryStore();
    const cidFile = path.join(root, "cid");
    const script = "echo ready; exec sleep 1000";
    await underRunc(root, ["--name", "box", "--cidfile", cidFile, busybox, "sh", "-c", script], {
      onStart: (child) => child.stdout?.once("data", () => child.kill("SIGKILL")),
    });
    const ids = [readFileSync(cidFile, "utf8")];
    await until(async () => !(await leftovers(root)).some((line) => line.startsWith("process")));
    expect((await pullrun(["rm", "-f", "box"], { root })).status).toBe(0);
    expect(await leftovers(root, ids)).toEqual([]);
  });

  test("exec, cp and --network container: find the container's namespaces, not the runtime's", async () => {
    const root = temporaryStore();
    const flags = ["--name", "box", "--network", "none"];
    const running = underRunc(root, [...flags, busybox, "sleep", "1000"]);
    const isUp = async (): Promise<boolean> =>
      (await pullrun(["ps", "--format", "{{.Names}} {{.State}}"], { root })).stdout === "box running\n";
    await until(isUp);
    const own = (await pullrun(["exec", "box", "hostname"], { root })).stdout;
    expect(own).toMatch(/^[0-9a-f]{12}\n$/);
    const from = ["run", "--rm", "-q", "--network", "container:box", busybox, "hostname"];
    expect((await pullrun(from, { root })).stdout).toBe(own);
    expect((await pullrun(["exec", "box", "cat", "/proc/1/comm"], { root })).stdout).toBe("sleep\n");
    expect((await pullrun(["cp", "box:/etc/passwd", root], { root })).status).toBe(0);
    expect(existsSync(path.join(root, "passwd"))).toBe(true);
    expect((await pullrun(["kill", "box"], { root })).status).toBe(0);
    expect((await running).status).toBe(137);
    expect(await leftovers(root)).toEqual([]);
  });

  test("in the background it lives as any other: exec, pause, stop, logs, start, rm, and nothing is left", async () => {
    const root = temporaryStore();
    const cli = async (...args: string[]): Promise<string> => {
      const { status, stdout, stderr } = await pullrun(args, { root });
      expect({ args, status, stderr }).toEqual({ args, status: 0, stderr: "" });
      return stdout.trim();
    };
    const script = "trap 'echo asked; exit 7' TERM; echo up; while :; do sleep 0.05; done";
    const flags = ["--runtime", "runc", "--name", "box", "-q", "--network", "none"];
    const id = await cli("run", "-d", ...flags, busybox, "sh", "-c", script);
    expect(await cli("exec", "box", "cat", "/proc/1/comm")).toBe("sh");
    const state = (): Promise<string> => cli("inspect", "--format", "{{.State.Status}}", "box");
    await cli("pause", "box");
    expect(await state()).toBe("paused");
    await cli("unpause", "box");
    await until(async () => (await cli("logs", "box")) === "up");
    await cli("stop", "box");
    expect(await cli("logs", "box")).toBe("up\nasked");
    expect(await cli("wait", "box")).toBe("7");
    await cli("start", "box");
    expect(await state()).toBe("running");
    await cli("rm", "-f", "box");
    expect(await leftovers(root, [id])).toEqual([]);
  });

  test("what is sent by who is attached reaches the program, not the runtime", async () => {
    const root = temporaryStore();
    const flags = ["--runtime", "runc", "--name", "box", "-q", "--network", "none"];
    // The runtime passes on what it gets, but SIGURG, which is its own.
    const script = "trap 'exit 7' URG; while :; do echo up; sleep 0.05; done";
    await pullrun(["run", "-d", ...flags, busybox, "sh", "-c", script], { root });
    const attached = await pullrun(["attach", "box"], {
      root,
      onStart: (child) => child.stdout?.once("data", () => child.kill("SIGURG")),
    });
    expect(attached.status).toBe(7);
    expect((await pullrun(["rm", "-f", "box"], { root })).status).toBe(0);
  });

  test("create, start -a and --restart are for it, too", async () => {
    const root = temporaryStore();
    const make = ["create", "-q", "--runtime", "runc", "--network", "none", "--restart", "on-failure:2"];
    const script = "echo once; exit 3";
    const id = (
      await pullrun([...make, "--name", "box", busybox, "sh", "-c", script], { root })
    ).stdout.trim();
    expect(await pullrun(["start", "-a", "box"], { root })).toMatchObject({ status: 3, stdout: "once\n" });
    const look = ["inspect", "--format", "{{.State.Status}} {{.RestartCount}}", "box"];
    await until(async () => (await pullrun(look, { root })).stdout === "exited 2\n");
    expect((await pullrun(["rm", "box"], { root })).status).toBe(0);
    expect(await leftovers(root, [id])).toEqual([]);
  });

  test("a start in the background that fails is one: the status, the runtime's words, no trace of the time before", async () => {
    const root = temporaryStore();
    const run = ["run", "-d", "-q", "--runtime", "runc", "--network", "none"];
    expect(await pullrun([...run, busybox, "not-there"], { root })).toMatchObject({
      status: 127,
      stderr: expect.stringContaining("not found") as string,
    });
    expect((await pullrun([...run, busybox, "/etc/passwd"], { root })).status).toBe(126);
    // It is not there at first, and made by hand.
    const name = ["--name", "later", "-v", `${root}:/shared`];
    expect((await pullrun([...run, ...name, busybox, "/shared/program"], { root })).status).toBe(127);
    writeFileSync(path.join(root, "program"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    expect((await pullrun(["start", "-a", "later"], { root })).status).toBe(1);
  });

  test("whoever kills the supervisor in the background kills the container, which can be started again", async () => {
    const root = temporaryStore();
    const flags = ["--runtime", "runc", "--name", "box", "-q", "--network", "none"];
    const { stdout: id } = await pullrun(["run", "-d", ...flags, busybox, "sleep", "1000"], { root });
    const { supervisor } = statusOf(path.join(root, "containers", id.trim()));
    process.kill(Number(supervisor), "SIGKILL");
    const status = ["ps", "-a", "--format", "{{.Status}}"];
    await until(async () => (await pullrun(status, { root })).stdout.startsWith("Exited (137)"));
    expect((await pullrun(["start", "box"], { root })).status).toBe(0);
    expect((await pullrun(["rm", "-f", "box"], { root })).status).toBe(0);
    expect(await leftovers(root, [id.trim()])).toEqual([]);
  });

  test("CVE-2019-5736: who has the supervisor's program open cannot change it", async () => {
    const root = temporaryStore();
    const flags = ["--runtime", "runc", "--name", "box", "-q", "--network", "none"];
    const { stdout: id } = await pullrun(["run", "-d", ...flags, busybox, "sleep", "1000"], { root });
    const { supervisor } = statusOf(path.join(root, "containers", id.trim()));
    const exe = openSync(`/proc/${supervisor}/exe`, "r");
    onTestFinished(() => {
      closeSync(exe);
    });
    // To root it is a view that is read-only. An attempt to write would be ETXTBSY as long as any helper runs anywhere.
    expect(() => {
      fchmodSync(exe, fstatSync(exe).mode);
    }).toThrow(/EROFS/);
    expect((await pullrun(["rm", "-f", "box"], { root })).status).toBe(0);
  });

  describe.skipIf(needsPty !== "").each(testUsers)(`${needsPty}with -t, as $who`, ({ as }) => {
    function command(root: string, ...args: string[]): string[] {
      const user =
        as.uid === undefined ? [] : ["setpriv", `--reuid=${as.uid}`, `--regid=${as.uid}`, "--clear-groups"];
      return [...user, pullrunPath, "--root", root, ...args];
    }
    const flags = [
      "-q",
      ...squashIds(as),
      "--runtime",
      "runc",
      "--network",
      "none",
      "-it",
      "--name",
      "box",
      busybox,
    ];

    test("it has a terminal of its own, as large as ours whenever that changes, and Ctrl-C is a signal", async () => {
      const root = temporaryStore(as);
      // The runtime passes the first size on, too, only when the program runs.
      const sizes = ["24 80", "10 20"].map(
        (size) => `while test "$(stty size)" != "${size}"; do :; done; echo ${size}`,
      );
      const script = `trap 'echo asked; exit 7' INT; tty; ${sizes.join("; ")}; while :; do sleep 0.05; done`;
      const pty = await onPty(command(root, "run", "--rm", ...flags, "sh", "-c", script));
      await pty.until(/^\/dev\/pts\/0\r\n24 80\r\n/);
      pty.resize(10, 20);
      await pty.until(/\r\n10 20\r\n/);
      pty.type("\u0003");
      const { status, shown } = await pty.ended();
      expect(status).toBe(7);
      expect(shown).toMatch(/asked\r\n$/);
      await expect.poll(() => leftovers(root)).toEqual([]);
    });

    test("one can leave it and come back", async () => {
      const root = temporaryStore(as);
      const pty = await onPty(
        command(root, "run", ...flags, "sh", "-c", "echo ready; read line; echo got $line"),
      );
      await pty.until(/ready/);
      pty.type("\u0010\u0011");
      expect((await pty.ended()).status).toBe(0);
      const again = await onPty(command(root, "attach", "box"));
      again.type("more\n");
      const { status, shown } = await again.ended();
      expect({ status, shown }).toMatchObject({
        status: 0,
        shown: expect.stringContaining("got more\r\n") as string,
      });
      expect((await pullrun(["rm", "box"], { root, ...as })).status).toBe(0);
      await expect.poll(() => leftovers(root)).toEqual([]);
    });

    test("a program that is not there is 127, in the runtime's words", async () => {
      const pty = await onPty(command(temporaryStore(as), "run", "--rm", ...flags, "not-there"));
      const { status, shown } = await pty.ended();
      expect(status).toBe(127);
      expect(shown).toContain("not-there");
    });
  });

  test.each([
    [["--network", "bridge"], "--network bridge: not possible with --runtime (expected none or host)"],
    [["--init"], "--init: not possible with --runtime"],
    [["--pid", "host"], "--pid: not possible with --runtime"],
    [["--runtime", "not-there"], "--runtime: not-there: not installed"],
    [["--runtime", "./runc"], "--runtime: ./runc: not installed"],
  ])("%j is refused before anything is made", async (flags, message) => {
    const root = temporaryStore();
    const { status, stderr } = await underRunc(root, [...flags, busybox, "true"]);
    expect({ status, stderr }).toEqual({ status: 125, stderr: expect.stringContaining(message) as string });
    expect(await leftovers(root)).toEqual([]);
  });

  test("an ordinary user has it in a user namespace, in the background as well", async () => {
    const uid = 12345;
    const root = temporaryStore({ uid });
    const run = ["--squash-ids", "-q", "--runtime", "runc", "--network", "none"];
    const ran = await pullrun(["run", "--rm", ...run, busybox, "sh", "-c", "id -u; exit 4"], { root, uid });
    expect(ran).toEqual({ status: 4, stdout: "0\n", stderr: "" });
    const name = ["-d", "--name", "box"];
    const started = await pullrun(["run", ...run, ...name, busybox, "sleep", "1000"], { root, uid });
    expect(started.status).toBe(0);
    const { stdout } = await pullrun(["exec", "box", "cat", "/proc/1/comm"], { root, uid });
    expect(stdout).toBe("sleep\n");
    expect((await pullrun(["rm", "-f", "box"], { root, uid })).status).toBe(0);
    expect(await leftovers(root, [started.stdout.trim()])).toEqual([]);
  });

  test.each([
    [["-m", "64m"], "--memory: cgroup controller memory: "],
    [["--pids-limit", "64"], "--pids-limit: cgroup controller pids: "],
    [["-u", "5"], "--runtime: uid 5: the only id here"],
  ])("an ordinary user is told that %j takes more", async (flags, message) => {
    const uid = 12345;
    const root = temporaryStore({ uid });
    const run = ["--squash-ids", ...flags, busybox, "true"];
    const { status, stderr } = await underRunc(root, run, { uid });
    expect({ status, stderr }).toEqual({ status: 125, stderr: expect.stringContaining(message) as string });
    expect(await leftovers(root)).toEqual([]);
  });

  test.skipIf(noPids !== "")(
    `${noPids}an ordinary user's limits hold where a cgroup is delegated, and it is gone after`,
    async () => {
      const uid = 12345;
      const delegated = path.join(pidsHierarchy, `pullrun-test-${process.pid}`);
      mkdirSync(delegated);
      chownSync(delegated, uid, uid);
      onTestFinished(() => {
        rmdirSync(path.join(delegated, "pullrun"));
        rmdirSync(delegated);
      });
      // Its containers are ended before.
      const root = temporaryStore({ uid });
      const within = ["sh", "-c", `echo $$ > ${delegated}/cgroup.procs && exec "$@"`, "sh"];
      const script = "for i in $(seq 50); do sleep 1000 & done";
      const flags = ["--squash-ids", "--pids-limit", "40"];
      const { status, stderr } = await underRunc(root, [...flags, busybox, "sh", "-c", script], {
        uid,
        within,
      });
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: expect.stringContaining("can't fork") as string,
      });
      expect(await leftovers(root)).toEqual([]);
      expect(
        readdirSync(path.join(delegated, "pullrun"), { withFileTypes: true }).filter(isDirectory),
      ).toEqual([]);
    },
  );
});
