import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { needsErofs } from "../support/erofs.js";
import { needsRealRoot } from "../support/namespaces.js";
import { pullrun, pullrunPath, temporaryDirectory } from "../support/cli.js";
import { serveFixtures, type Served } from "../support/served.js";
import { missing, mustRun } from "../support/tools.js";

/**
 * S1: the process is killed at the n-th call of each kind that changes the disk, for every n. strace does it, so that no
 * switch for it is in the product. By default every few n; CRASH_POINTS=all takes each one (some minutes).
 */
const all = process.env["CRASH_POINTS"] === "all";
const calls = ["fsync", "rename", "link", "unlink", "mkdir", "rmdir"] as const;
/** Writes are many: files, pipes and the event loop's own. */
const everything = [...calls, "write", "pwrite64", "writev"];

let served: Served;

beforeAll(async () => {
  served = await serveFixtures();
});
afterAll(() => served.close());

interface Point {
  readonly driver: string;
  readonly call: string;
  readonly n: number;
}

/**
 * Runs the command under strace. For each kind of call at which ones to kill, counted in their thread: of those that
 * write only the ones to the store, since most are the event loop's own.
 */
async function countCalls(args: readonly string[], root: string): Promise<Map<string, number[]>> {
  const log = path.join(temporaryDirectory(), "trace");
  expect(await traced(["-y", "-e", `trace=${everything.join(",")}`, "-o", log], args)).toBe(0);
  const counts = new Map<string, number>();
  const found = new Map<string, Set<number>>();
  for (const [, thread, call = "", file] of readFileSync(log, "utf8").matchAll(
    /^(\d+) +(\w+)\((?:\d+<([^>]*)>)?/gm,
  )) {
    const n = (counts.get(`${thread} ${call}`) ?? 0) + 1;
    counts.set(`${thread} ${call}`, n);
    const isOurs = (calls as readonly string[]).includes(call) || file?.startsWith(`${root}/`) === true;
    if (isOurs) found.set(call, (found.get(call) ?? new Set()).add(n));
  }
  return new Map([...found].map(([call, ns]) => [call, [...ns].sort((a, b) => a - b)]));
}

async function traced(options: readonly string[], args: readonly string[]): Promise<number> {
  const child = spawn("strace", ["-f", "-qqq", ...options, pullrunPath, ...args], {
    // One thread for the file system, so that its calls have an order to count in.
    env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", CI: "true", UV_THREADPOOL_SIZE: "1" },
    stdio: "ignore",
  });
  const [code] = (await once(child, "close")) as [number | null];
  return code ?? 137;
}

async function killAt({ call, n }: Point, args: readonly string[]): Promise<number> {
  return traced(
    ["-e", `trace=${call}`, "-e", `inject=${call}:signal=SIGKILL:when=${n}`, "-o", "/dev/null"],
    args,
  );
}

interface Stage {
  /** The store. */
  readonly root: string;
  readonly driver: string;
}

async function pointsOf(args: readonly string[], { root, driver }: Stage): Promise<Point[]> {
  const found = await countCalls(args, root);
  const points: Point[] = [];
  for (const call of everything) {
    const ns = found.get(call) ?? [];
    const step = all ? 1 : 16;
    // Each kind begins elsewhere, the last call of the longest included.
    for (let at = Math.min(ns.length - 1, points.length % step); at >= 0 && at < ns.length; at += step)
      points.push({ driver, call, n: ns[at] ?? 0 });
  }
  return points;
}

function namesIn(root: string): string[] {
  return ["blobs/sha256", "layers", "rootfs", "containers"].flatMap((directory) =>
    readdirSync(path.join(root, directory)).filter((name) => /^[0-9a-f]{12}/.test(name)),
  );
}

async function ok(args: readonly string[], root: string, point: Point): Promise<string> {
  const env = { PULLRUN_ROOTFS_DRIVER: point.driver };
  const { status, stdout, stderr } = await pullrun(args, { root, env });
  expect({ point, args, status, stderr: status === 0 ? "" : stdout + stderr }).toEqual({
    point,
    args,
    status: 0,
    stderr: "",
  });
  return stdout;
}

/** Anything older than nothing at all. */
const prune = ["prune", "--older-than", "0"];
const needs = needsRealRoot + missing("strace");
const timeout = 900_000;

const drivers = ["directories", ...(needsErofs === "" ? ["erofs"] : [])];
const title = `${needs}S1: killed at each call that changes the disk, root file systems as %s`;

describe.skipIf(needs !== "").each(drivers)(title, (driver) => {
  const command = (root: string, ...args: readonly string[]): string[] => {
    return ["--root", root, "--rootfs-driver", driver, ...args];
  };

  test(
    "a pull: the store verifies, no image is listed half, and the next pull completes it",
    async () => {
      const name = `${served.host}/pullrun/whiteouts`;
      const args = (root: string): string[] => command(root, "pull", "-q", name);
      const first = path.join(temporaryDirectory(), "root");
      const points = await pointsOf(args(first), { root: first, driver });
      expect(points.length).toBeGreaterThan(6);
      let killed = 0;
      const root = path.join(temporaryDirectory(), "root");
      for (const point of points) {
        rmSync(root, { recursive: true, force: true });
        if ((await killAt(point, args(root))) !== 0) killed++;
        const listed = await ok(["images", "-q"], root, point);
        const { status, stdout, stderr } = await pullrun(["verify"], { root });
        // A kill before anything was made leaves no store.
        if (status !== 0)
          expect({ point, stdout, stderr }).toMatchObject({
            stderr: expect.stringMatching(/does not exist/) as string,
          });
        if (listed !== "") await ok(["run", "--rm", "--pull=never", name], root, point);
        await ok(["run", "--rm", "-q", name], root, point);
        await ok(["verify"], root, point);
        await ok(["rmi", name], root, point);
        await ok(prune, root, point);
        expect({ point, left: namesIn(root) }).toEqual({ point, left: [] });
      }
      expect(killed).toBeGreaterThan(points.length / 2);
    },
    timeout,
  );

  async function prepared(): Promise<{ name: string; good: string; root: string }> {
    const name = `${served.host}/pullrun/whiteouts`;
    const directory = temporaryDirectory();
    const good = path.join(directory, "good");
    const env = { PULLRUN_ROOTFS_DRIVER: driver };
    expect((await pullrun(["pull", "-q", name], { root: good, env })).status).toBe(0);
    return { name, good, root: path.join(directory, "root") };
  }

  async function reset(good: string, root: string): Promise<void> {
    rmSync(root, { recursive: true, force: true });
    // Node's own copy loses owners and devices.
    await mustRun("cp", ["-a", good, root]);
  }

  test(
    "a removal: the image is there and whole, or gone; prune clears the rest",
    async () => {
      const { name, good, root } = await prepared();
      const args = command(root, "rmi", name);
      await reset(good, root);
      for (const point of await pointsOf(args, { root, driver })) {
        await reset(good, root);
        await killAt(point, args);
        await ok(["verify"], root, point);
        if ((await ok(["images", "-q"], root, point)) !== "") {
          await ok(["run", "--rm", "--pull=never", name], root, point);
          await ok(["rmi", name], root, point);
        }
        await ok(prune, root, point);
        expect({ point, left: namesIn(root) }).toEqual({ point, left: [] });
      }
    },
    timeout,
  );

  test(
    "a prune: what is needed verifies, and the next prune finishes",
    async () => {
      const { name, good, root } = await prepared();
      const other = `${served.host}/pullrun/probe`;
      await mustRun("cp", [path.join(good, "index.json"), path.join(good, "..", "index.json")]);
      expect((await pullrun(["pull", "-q", other], { root: good })).status).toBe(0);
      // `other` loses its name, and becomes what is to be pruned.
      await mustRun("cp", [path.join(good, "..", "index.json"), path.join(good, "index.json")]);
      const args = command(root, ...prune, "--compressed");
      await reset(good, root);
      for (const point of await pointsOf(args, { root, driver })) {
        await reset(good, root);
        await killAt(point, args);
        await ok(["verify"], root, point);
        await ok(["run", "--rm", "--pull=never", name], root, point);
        await ok([...prune, "--compressed"], root, point);
        await ok(["run", "--rm", "--pull=never", name], root, point);
        await ok(["rmi", name], root, point);
        expect({ point, left: namesIn(root) }).toEqual({ point, left: [] });
      }
    },
    timeout,
  );

  test(
    "a tag: the new name is there and whole, or not at all; the old one always is",
    async () => {
      const { name, good, root } = await prepared();
      const args = command(root, "tag", name, "localhost/again:1");
      await reset(good, root);
      for (const point of await pointsOf(args, { root, driver })) {
        await reset(good, root);
        await killAt(point, args);
        await ok(["verify"], root, point);
        const names = await ok(["images", "--format", "{{.Repository}}"], root, point);
        expect({ point, names }).toMatchObject({
          names: expect.stringMatching(
            /^(localhost\/again\n)?[^\n]*\/whiteouts\n(localhost\/again\n)?$/,
          ) as string,
        });
        await ok(["tag", name, "localhost/again:1"], root, point);
        await ok(["run", "--rm", "--pull=never", "localhost/again:1"], root, point);
        await ok(["rmi", name], root, point);
        await ok(["rmi", "localhost/again:1"], root, point);
        await ok(prune, root, point);
        expect({ point, left: namesIn(root) }).toEqual({ point, left: [] });
      }
    },
    timeout,
  );

  test(
    "a load: as for a pull",
    async () => {
      const { name, good, root } = await prepared();
      const file = path.join(path.dirname(good), "x.tar");
      expect((await pullrun(["save", "-o", file, name], { root: good })).status).toBe(0);
      const args = command(root, "load", "-q", "-i", file);
      for (const point of await pointsOf(args, { root, driver })) {
        rmSync(root, { recursive: true, force: true });
        await killAt(point, args);
        await ok(["load", "-q", "-i", file], root, point);
        await ok(["verify"], root, point);
        await ok(["rmi", name], root, point);
        await ok(prune, root, point);
        expect({ point, left: namesIn(root) }).toEqual({ point, left: [] });
      }
    },
    timeout,
  );
});

const trouble =
  "a store in trouble, root file systems as %s, is reported in one line, and works once it is over";

describe.each(drivers)(trouble, (driver) => {
  const env = { PULLRUN_ROOTFS_DRIVER: driver };

  async function fails(args: readonly string[], options: { root: string; uid?: number }): Promise<string> {
    const { status, stderr } = await pullrun(args, { ...options, env });
    expect({ status, stderr }).toMatchObject({ status: 1 });
    const lines = stderr.split("\n").filter((line) => line.startsWith("pullrun: "));
    expect({ lines, stderr }).toMatchObject({ lines: [expect.any(String)] });
    expect(stderr).not.toMatch(/internal error/);
    return stderr;
  }

  test("S11: a store that a newer pullrun made is left alone by every command", async () => {
    const root = temporaryDirectory();
    await pullrun(["pull", "-q", `${served.host}/pullrun/probe`], { root, env });
    writeFileSync(path.join(root, "version"), "99\n");
    const before = readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
    for (const args of [
      ["images"],
      ["verify"],
      ["verify", "--repair"],
      prune,
      ["pull", "-q", "x"],
      ["rmi", "x"],
      ["save", "x"],
    ])
      expect(await fails(args, { root })).toMatch(/version is 99 \(expected 1\)\nhint: a newer pullrun/);
    expect(readdirSync(root, { recursive: true, encoding: "utf8" }).sort()).toEqual(before);
  });

  test.skipIf(needsRealRoot !== "")(`${needsRealRoot}S4: a store of another owner`, async () => {
    const root = temporaryDirectory();
    const name = `${served.host}/pullrun/probe`;
    await pullrun(["pull", "-q", name], { root, env });
    for (const args of [["images"], ["verify"], prune, ["pull", "-q", name]])
      expect(await fails(args, { root, uid: 12345 })).toMatch(
        /: only root may read its layers and containers\nhint: .*--root/,
      );
    expect((await pullrun(["verify"], { root, env })).status).toBe(0);
  });

  /** Runs a shell script in a mount namespace of its own, `$1` being our command and `$2` an empty directory. */
  async function inMounts(script: string, ...rest: readonly string[]): Promise<string> {
    return mustRun(
      "unshare",
      ["-m", "sh", "-c", `{ ${script}\n} 2>&1`, "sh", pullrunPath, temporaryDirectory(), ...rest],
      {
        env: { ...env, HOME: "/nonexistent", CI: "true", PULLRUN_ROOT: "" },
      },
    );
  }

  test.skipIf(needsRealRoot !== "")(
    `${needsRealRoot}S4: a read-only store still lists and runs nothing new`,
    async () => {
      const output = await inMounts(
        `mount -t tmpfs tmpfs "$2" && "$1" --root "$2" pull -q "$3" && mount -o remount,ro "$2"
       "$1" --root "$2" images -q; "$1" --root "$2" verify; echo "verify $?"
       "$1" --root "$2" pull -q "$4"; echo "pull $?"; "$1" --root "$2" rmi "$3"; echo "rmi $?"
       mount -o remount,rw "$2"; "$1" --root "$2" pull -q "$4"; echo "again $?"; "$1" --root "$2" verify; echo "verify $?"`,
        `${served.host}/pullrun/probe`,
        `${served.host}/pullrun/whiteouts`,
      );
      expect(output.match(/^(verify|pull|rmi|again) \d+$/gm)).toEqual([
        "verify 0",
        "pull 1",
        "rmi 1",
        "again 0",
        "verify 0",
      ]);
      expect(output.match(/^pullrun: .*read-only file system.*\nhint: /gm)).toHaveLength(2);
      expect(output).not.toMatch(/internal error/);
    },
  );

  test.skipIf(needsRealRoot !== "")(
    `${needsRealRoot}S3: a full disk`,
    async () => {
      const output = await inMounts(
        `mount -t tmpfs -o size=16k tmpfs "$2"
       for size in 24k 32k 44k 48k 52k 60k 72k 100k; do
         mount -o "remount,size=$size" "$2"
         "$1" --root "$2" pull -q "$3" || { echo "failed $?"; find "$2" -name "*.tmp-*"; "$1" --root "$2" images -q; echo "images $?"; }
       done
       mount -o remount,size=64m "$2"; "$1" --root "$2" pull -q "$3"; echo "again $?"
       "$1" --root "$2" verify; echo "verify $?"; "$1" --root "$2" prune --older-than 0; echo "prune $?"
       "$1" --root "$2" run --pull=never "$3" exit 5; echo "run $?"`,
        `${served.host}/pullrun/probe`,
      );
      const failed = output.match(/^failed \d+$/gm) ?? [];
      expect(failed.length).toBeGreaterThan(0);
      expect(new Set(failed)).toEqual(new Set(["failed 1"]));
      expect(output.match(/^pullrun: .*(ENOSPC|no space|free \(expected)/gim)).toHaveLength(failed.length);
      expect(output.match(/^(again|verify|prune|run) \d+$/gm)).toEqual([
        "again 0",
        "verify 0",
        "prune 0",
        "run 5",
      ]);
      expect(output).not.toMatch(/internal error|^\/.*\.tmp-/m);
    },
    120_000,
  );

  test("S3: too few file descriptors", async () => {
    const root = temporaryDirectory();
    const name = `${served.host}/pullrun/whiteouts`;
    const { stdout } = await import("../support/tools.js").then(({ runTool }) =>
      runTool(
        "sh",
        [
          "-c",
          'for n in 24 28 32 36 40; do (ulimit -n $n; "$0" --root "$1" pull -q "$2" 2>&1; echo "status $?"); done',
          pullrunPath,
          root,
          name,
        ],
        { env },
      ),
    );
    expect(stdout.match(/^status \d+$/gm)).toHaveLength(5);
    await ok(["pull", "-q", name], root, { driver, call: "open", n: 0 });
    await ok(["verify"], root, { driver, call: "open", n: 0 });
  });
});
