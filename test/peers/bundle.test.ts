import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { demoLayout, pullrun } from "../support/cli.js";
import { needsRealRoot } from "../support/namespaces.js";
import { missing, mustRun, runTool } from "../support/peers.js";

/** One spec, started by us and by runc: what the container sees of itself must be the same. */
const needs = needsRealRoot + missing("runc");
const image = `oci:${demoLayout}:pullrun/environment:latest`;
const limits = ["--memory", "64m", "--pids-limit", "50", "--cpus", "0.5"];

let directory: string;

type Row = readonly [what: string, flags: readonly string[], args: readonly string[]];

const rows: readonly Row[] = [
  ["the environment", ["-e", "ONE=1"], ["env"]],
  ["the user and groups", [], ["id"]],
  ["another user", ["-u", "1234:5678"], ["id"]],
  ["capabilities, seccomp and no_new_privs", [], ["cat", "/proc/self/status"]],
  ["capabilities of root", ["-u", "0"], ["cat", "/proc/self/status"]],
  ["resource limits", [], ["cat", "/proc/self/limits"]],
  ["the names in /dev", [], ["list", "/dev"]],
  ["devices", [], ["mode", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"]],
  ["network interfaces", [], ["list", "/sys/class/net"]],
  ["the memory limit", limits, ["cat", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]],
  ["the limit on processes", limits, ["cat", "/sys/fs/cgroup/pids/pids.max"]],
  ["the processor limit", limits, ["cat", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"]],
  ["the exit status", [], ["exit", "42"]],
];

describe.skipIf(needs !== "")(`${needs}one spec, the same container as runc's`, () => {
  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), "pullrun-peers-"));
    await mustRun("mkdir", [path.join(directory, "runc")]);
    expect((await pullrun(["pull", "-q", image], { root: ourRoot() })).status).toBe(0);
  });
  afterAll(async () => {
    await mustRun("rm", ["-rf", directory]);
  });

  test.each(rows)("%s", async (_, flags, args) => {
    const [own, theirs] = await both(flags, args);
    expect(comparable(own)).toEqual(comparable(theirs));
  });

  test.each([
    ["a usual container", []],
    ["a read-only one with a tmpfs", ["--read-only", "--tmpfs", "/tmp"]],
  ] as const)("mounts of %s: the same places, none of them weaker", async (_, flags) => {
    const [own, theirs] = await both(flags, ["cat", "/proc/self/mountinfo"]);
    const [ours, runcs] = [mountsOf(own.stdout), mountsOf(theirs.stdout)];
    expect([...ours.keys()].sort()).toEqual([...runcs.keys()].sort());
    const weaker = [...runcs].filter(
      ([point, flags]) => !flags.every((flag) => ours.get(point)?.includes(flag)),
    );
    expect(weaker).toEqual([]);
  });
});

interface Ended {
  readonly status: number;
  readonly stdout: string;
}

async function both(flags: readonly string[], args: readonly string[]): Promise<readonly [Ended, Ended]> {
  const name = "docker.io/pullrun/environment";
  const given = ["--network", "none", "--hostname", "same", ...flags];
  const own = await pullrun(["run", "--rm", ...given, name, ...args], { root: ourRoot() });
  const id = path.basename(mkdtempSync(path.join(directory, "bundle-")));
  const bundle = path.join(directory, id, "b");
  expect(await pullrun(["bundle", ...given, name, bundle, ...args], { root: ourRoot() })).toMatchObject({
    status: 0,
  });
  return [own, await runTool("runc", ["--root", path.join(directory, "runc"), "run", "-b", bundle, id])];
}

function ourRoot(): string {
  return path.join(directory, "store");
}

interface Said {
  readonly status: number;
  readonly stdout: readonly string[];
}

function comparable({ status, stdout }: Ended): Said {
  const lines = stdout.trimEnd().split("\n");
  if (lines.some((line) => line.startsWith("CapEff:"))) {
    return { status, stdout: lines.filter((line) => /^(Cap|Uid|Gid|Groups|Seccomp|NoNewPrivs)/.test(line)) };
  }
  // We link /dev/core also where the kernel has no /proc/kcore.
  return { status, stdout: lines.filter((line) => line !== "core").sort() };
}

/**
 * What restricts each mount. Left out: the root and the files in /etc, which lie elsewhere; devices, which we bind and runc
 * makes (docs/adr/0005); cgroups, which we mount only where a limit is set.
 */
function mountsOf(mountinfo: string): Map<string, readonly string[]> {
  const mounts = new Map<string, readonly string[]>();
  for (const line of mountinfo.trimEnd().split("\n")) {
    const [, , , , point = "", options = ""] = line.split(" ");
    if (
      /^(\/|\/etc\/.*|\/dev\/[a-z]+|\/sys\/fs\/cgroup.*)$/.test(point) &&
      !/\/(shm|pts|mqueue)$/.test(point)
    )
      continue;
    // A masked file is the null device, whatever its mount allows.
    const masked = / - (dev)?tmpfs /.test(line) && /^\/proc\/(interrupts|keys|timer_list)$/.test(point);
    const flags = options.split(",").filter((option) => /^(ro|nosuid|nodev|noexec)$/.test(option));
    mounts.set(point, masked ? [] : flags);
  }
  return mounts;
}
