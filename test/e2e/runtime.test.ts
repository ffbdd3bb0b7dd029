import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { busybox, needsBusybox } from "../support/busybox.js";
import { pullrun, temporaryDirectory, type CliOptions, type CliResult } from "../support/cli.js";
import { leftovers } from "../support/leftovers.js";
import { needsRealRoot } from "../support/namespaces.js";
import { missing } from "../support/tools.js";

const needs = `${needsBusybox}${needsRealRoot}${missing("runc")}`;

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
    const root = temporaryDirectory();
    const cidFile = path.join(root, "cid");
    expect((await underRunc(root, ["--cidfile", cidFile, busybox, ...command])).status).toBe(status);
    expect(await leftovers(root, [readFileSync(cidFile, "utf8")])).toEqual([]);
  });

  test("what runc complains of is said in its words, and the status is 125", async () => {
    const result = await underRunc(temporaryDirectory(), ["-w", "/etc/passwd", busybox, "true"]);
    expect(result).toMatchObject({
      status: 125,
      stderr: expect.stringContaining("not a directory") as string,
    });
  });

  test("standard input comes with -i, and is empty without", async () => {
    const root = temporaryDirectory();
    expect((await underRunc(root, ["-i", busybox, "cat"], { input: "abc" })).stdout).toBe("abc");
    expect((await underRunc(root, [busybox, "cat"], { input: "abc" })).stdout).toBe("");
  });

  test("environment, user, directory, volumes and limits are those of any container", async () => {
    const root = temporaryDirectory();
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
    const root = temporaryDirectory();
    const script = "trap 'echo asked; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    const result = await underRunc(root, [busybox, "sh", "-c", script], {
      onStart: (child) => child.stdout?.once("data", () => child.kill("SIGTERM")),
    });
    expect(result).toMatchObject({ status: 7, stdout: "ready\nasked\n" });
  });

  test("whoever kills the supervisor kills the container, and rm takes what is left", async () => {
    const root = temporaryDirectory();
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

  test("exec, cp and --network container: do not take the runtime's namespaces for the container's", async () => {
    const root = temporaryDirectory();
    const flags = ["--name", "box", "--network", "none"];
    const running = underRunc(root, [...flags, busybox, "sleep", "1000"]);
    const isUp = async (): Promise<boolean> =>
      (await pullrun(["ps", "--format", "{{.Names}} {{.State}}"], { root })).stdout === "box running\n";
    await until(isUp);
    const told = expect.stringContaining("box: runs under runc") as string;
    const from = ["run", "--rm", "--network", "container:box", busybox, "true"];
    for (const args of [["exec", "box", "true"], ["cp", "box:/etc/passwd", root], from])
      expect((await pullrun(args, { root })).stderr).toEqual(told);
    expect(existsSync(path.join(root, "passwd"))).toBe(false);
    expect((await pullrun(["kill", "box"], { root })).status).toBe(0);
    expect((await running).status).toBe(137);
    expect(await leftovers(root)).toEqual([]);
  });

  test.each([
    [["--network", "bridge"], "--network bridge: not possible with --runtime (expected none or host)"],
    [["--init"], "--init: not possible with --runtime"],
    [["--pid", "host"], "--pid: not possible with --runtime"],
    [["-d"], "--runtime: not possible here (expected --rm, and neither -d nor -t)"],
    [["--runtime", "not-there"], "--runtime: not-there: not installed"],
    [["--runtime", "./runc"], "--runtime: ./runc: not installed"],
  ])("%j is refused before anything is made", async (flags, message) => {
    const root = temporaryDirectory();
    const { status, stderr } = await underRunc(root, [...flags, busybox, "true"]);
    expect({ status, stderr }).toEqual({ status: 125, stderr: expect.stringContaining(message) as string });
    expect(await leftovers(root)).toEqual([]);
  });

  test("an ordinary user is told that it takes root", async () => {
    const uid = 12345;
    const root = temporaryDirectory({ uid });
    const { status, stderr } = await underRunc(root, [busybox, "true"], { uid });
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: expect.stringContaining("--runtime: not root (expected root)") as string,
    });
  });
});
