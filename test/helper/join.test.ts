import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { cloneFlags } from "../../src/helper/constants.js";
import { encodePlan } from "../../src/helper/plan-encoding.js";
import type { Plan, PlanStep } from "../../src/helper/plan.js";
import { openHelper } from "../../src/helper/process.js";
import {
  fork,
  helperBuilds,
  isolated,
  isRoot,
  namespacesAvailable,
  shell,
  shellEnvironment,
  temporaryDirectory,
} from "./support.js";

const available = await namespacesAvailable();
const { CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS } = cloneFlags;
const user = isRoot ? 0 : CLONE_NEWUSER;
const ownOfIsolated = user | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS;

/** Field 22; the name in field 2 is `(sh)` here. */
function startOf(pid: number): bigint {
  return BigInt(readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[21] ?? "0");
}

function childrenOf(pid = 0): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.split(" ").filter(Boolean).map(Number);
}

/** Not if it has ended, as the process between does at any time. */
function isInside(pid: number, container: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`) === readlinkSync(`/proc/${container}/ns/pid`);
  } catch {
    return false;
  }
}

/** The number, in the container, of the child that has joined it. A process between goes once that is there. */
async function childInside({ pid }: ChildProcess, container: number): Promise<string> {
  for (;;) {
    const inside = childrenOf(pid).find((child) => isInside(child, container));
    const status = inside === undefined ? "" : readFileSync(`/proc/${inside}/status`, "utf8");
    const [, number] = /^NSpid:.*\t(\d+)$/m.exec(status) ?? [];
    if (number !== undefined) return number;
    await delay(5);
  }
}

function namespacesOf(pid: number | "self", kinds: readonly string[]): string[] {
  return kinds.map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`));
}

/** Has come to the step after `credentials`. */
function hasFewer(pid: number): boolean {
  return /^CapEff:\t0+1$/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

/** A user namespace of one id, as without root: entering it changes no id, which alone would end all tracing. */
const ownIds = isRoot
  ? { ...isolated(CLONE_NEWUTS | CLONE_NEWUSER), uidMap: "0 0 1", gidMap: "0 0 1" }
  : isolated(CLONE_NEWUTS);

/** Root with one capability. */
const fewer: PlanStep = {
  kind: "credentials",
  uid: 0,
  gid: 0,
  groups: undefined,
  bounding: 1n,
  permitted: 1n,
  effective: 1n,
  inheritable: 0n,
  ambient: 0n,
};

describe.skipIf(!available).each(helperBuilds())("needs namespaces: %s joins", (_, path) => {
  const helper = openHelper(path);

  function start(plan: Plan, stdin: "ignore" | "pipe" = "ignore"): ChildProcess {
    const file = join(temporaryDirectory(), "plan");
    writeFileSync(file, encodePlan(plan));
    const child = spawn(path, ["run", file], { stdio: [stdin, "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    return child;
  }

  async function ready(plan: Plan): Promise<ChildProcess> {
    const child = start(plan);
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    return child;
  }

  /** A running container without a root of its own; its first process. */
  async function container(
    command = "sleep 1000",
    clone = isolated(CLONE_NEWUTS),
  ): Promise<{ pid: number; join: PlanStep }> {
    const plan = [
      clone,
      { kind: "private-mounts" },
      { kind: "hostname", name: "joined" },
      ...shell(`mount -t proc proc /proc && echo ready && ${command}`),
    ] as const;
    const { pid: supervisor } = await ready(plan);
    const [pid = 0] = childrenOf(supervisor);
    const namespaces = ownOfIsolated | (clone.flags & CLONE_NEWUSER);
    return { pid, join: { kind: "join", pid, start: startOf(pid), namespaces } };
  }

  async function output(plan: Plan): Promise<string> {
    const child = start(plan);
    let text = "";
    child.stdout?.on("data", (data: Buffer) => (text += data.toString()));
    await new Promise((resolve) => child.once("close", resolve));
    return text;
  }

  const kinds = ["mnt", "pid", "uts", "user"];

  test("a running container: the program is in its namespaces, one process among its own", async () => {
    const { pid, join } = await container();
    const show = kinds.map((kind) => `readlink /proc/self/ns/${kind}`).join("; ");
    const [host = "", ...shown] = (
      await output([join, fork, ...shell(`hostname; ${show}; ls -d /proc/1`)])
    ).split("\n");
    expect(host).toBe("joined");
    expect(shown.slice(0, 4)).toEqual(namespacesOf(pid, kinds));
    expect(shown[4]).toBe("/proc/1");
  });

  test("and stays outside itself", async () => {
    const { join } = await container();
    const supervisor = await ready([join, fork, ...shell("echo ready; sleep 1000")]);
    expect(namespacesOf(supervisor.pid ?? 0, kinds)).toEqual(namespacesOf("self", kinds));
  });

  test("gives back the program's exit status and passes signals on", async () => {
    const { join } = await container();
    expect(await helper.run([join, fork, ...shell("exit 23")], {})).toBe(23);
    const child = await ready([
      join,
      fork,
      ...shell("trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done"),
    ]);
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    expect(await ended).toBe(9);
  });

  test("takes a program it cannot find for what it is, in the container's file system", async () => {
    const { join } = await container();
    const plan: Plan = [join, fork, { kind: "exec", argv: ["/no/such/program"] }];
    await expect(helper.run(plan, {})).rejects.toMatchObject({ code: "EXEC_NOT_FOUND" });
  });

  test("makes new namespaces inside when the clone step asks for them", async () => {
    const { pid, join } = await container();
    const show = "readlink /proc/self/ns/uts; readlink /proc/self/ns/mnt";
    const shown = await output([join, { ...fork, flags: CLONE_NEWUTS }, ...shell(show)]);
    const [uts, mnt] = shown.split("\n");
    expect(uts).not.toBe(readlinkSync(`/proc/${pid}/ns/uts`));
    expect(mnt).toBe(readlinkSync(`/proc/${pid}/ns/mnt`));
  });

  test("refuses another process that has got the container's pid", async () => {
    const { pid, join } = await container();
    const stale = { ...join, start: startOf(pid) - 1n } as PlanStep;
    await expect(helper.run([stale, fork, ...shell("true")], {})).rejects.toThrow(
      `the container's process has ended: ${pid}`,
    );
  });

  test("refuses a pid that is nobody's", async () => {
    const plan: Plan = [
      { kind: "join", pid: 0x3fffff, start: 1n, namespaces: CLONE_NEWPID },
      fork,
      ...shell("true"),
    ];
    await expect(helper.run(plan, {})).rejects.toThrow(/cannot open the container's process: 4194303/);
  });

  // Nor can we, as an ordinary user: then nothing tells that it is inside.
  test.skipIf(!isRoot)(
    "needs root: from its first moment inside, the container can trace nothing of it (CVE-2016-9962)",
    async () => {
      const { pid, join: joined } = await container("sleep 1000", ownIds);
      // What joins waits inside until it is in its cgroup, and nobody ever reads this.
      const gate = join(temporaryDirectory(), "cgroup.procs");
      spawnSync("mkfifo", [gate]);
      const waiting = start([joined, { ...fork, cgroupProcs: [gate] }, ...shell("true")]);
      const there = await childInside(waiting, pid);
      const attack = `cd /proc/${there}; cat comm; for file in exe cwd root fd/0 ns/mnt; do readlink $file; done`;
      expect(await output([joined, fork, ...shell(attack)])).toMatch(/^pullrun-helper-?\n$/);
    },
  );

  test.skipIf(!isRoot)(
    "needs root: while it waits inside, a container's root can read and trace nothing of it (CVE-2016-9962)",
    async () => {
      const attack =
        'for p in /proc/[0-9]*; do echo "$p $(readlink $p/exe) $(readlink $p/fd/0) $(readlink $p/cwd)"; done';
      const { pid, join: joined } = await container(
        "exec setpriv --bounding-set -sys_ptrace,-sys_admin sleep 1000",
      );
      // With no more capabilities than the attacker it waits for entries.
      const waiting = start(
        [
          joined,
          fork,
          { kind: "root-dir", path: temporaryDirectory() },
          fewer,
          { kind: "create-entries", fd: 0, tars: [] },
        ],
        "pipe",
      );
      while (!childrenOf(waiting.pid).some((child) => isInside(child, pid) && hasFewer(child)))
        await delay(5);
      const seen = await output([
        joined,
        fork,
        fewer,
        shellEnvironment,
        { kind: "exec", argv: ["sh", "-c", attack] },
      ]);
      const lines = seen.trim().split("\n");
      expect(lines.find((line) => line.includes("/dash"))).toBeDefined();
      expect(lines.filter((line) => /^\/proc\/[0-9]+ +$/.test(line))).toHaveLength(2);
      expect(seen).not.toContain("pullrun-helper");
    },
  );

  describe("a namespace at a path", () => {
    test.skipIf(!isRoot)("needs root: of the kind that was asked for", async () => {
      const { pid } = await container();
      const step: PlanStep = { kind: "join-namespace", path: `/proc/${pid}/ns/uts`, namespace: CLONE_NEWUTS };
      expect(await output([step, fork, ...shell("hostname")])).toBe("joined\n");
    });

    test.each([
      ["a namespace of another kind", "/proc/self/ns/uts"],
      ["a file", "/etc/passwd"],
      ["a directory", "/"],
      ["a device", "/dev/null"],
    ])("not %s", async (_kind, path) => {
      const step: PlanStep = { kind: "join-namespace", path, namespace: CLONE_NEWNET };
      await expect(helper.run([step, fork, ...shell("true")], {})).rejects.toThrow(
        `not a namespace of the expected kind: ${path}`,
      );
    });

    test("not a FIFO, without waiting for somebody to write to it", async () => {
      const directory = temporaryDirectory();
      mkdirSync(join(directory, "here"));
      const fifo = join(directory, "here/fifo");
      spawnSync("mkfifo", [fifo]);
      const step: PlanStep = { kind: "join-namespace", path: fifo, namespace: CLONE_NEWNET };
      await expect(helper.run([step, fork, ...shell("true")], {})).rejects.toThrow("not a namespace");
    });
  });
});
