import { readdirSync, readFileSync, readlinkSync, utimesSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { busybox, needsBusybox } from "../support/busybox.js";
import { engine, quick, type Engine } from "../support/engine.js";
import { leftovers } from "../support/leftovers.js";
import { needsNamespaces } from "../support/namespaces.js";
import { testUsers } from "../support/users.js";

/** Commands that are killed while they make, start, end and remove containers: the next one puts things right. */
const needs = `${needsNamespaces}${needsBusybox}`;

/** Milliseconds into a command that takes some 150: all of its parts are hit, if not at the same ones each time. */
const moments = [5, 20, 35, 45, 55, 65, 75, 85, 95, 110, 130, 160];

async function killedAt({ run }: Engine, ms: number, args: readonly string[]): Promise<void> {
  await run(args, { onStart: (child) => void sleep(ms).then(() => child.kill("SIGKILL")) });
}

/** Half-made directories are left to whoever may be making them, for a minute. */
function age(root: string): void {
  for (const name of readdirSync(path.join(root, "containers")))
    utimesSync(path.join(root, "containers", name), 1, 1);
}

describe.skipIf(needs !== "").each(testUsers)(`${needs}as $who`, (user) => {
  test("run, killed at any moment, leaves nothing that ps, rm, start and prune do not cope with", async () => {
    const made = engine(user);
    const { root, run, ok } = made;
    await ok("pull", "-q", busybox);
    const image = await ok("images", "-q");
    const ids = new Set<string>();
    for (const [i, ms] of moments.entries()) {
      const flags = [...(i % 2 === 0 ? ["-d"] : ["--rm"]), ...quick, "--name", "job"];
      await killedAt(made, ms, ["run", ...flags, image, "sleep", "30"]);
      const listed = await ok("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.State}}");
      for (const line of listed.split("\n").filter((text) => text !== "")) ids.add(line.split(" ")[0] ?? "");
      if (listed.includes("created") || listed.includes("exited")) await run(["start", "job"]);
      if (listed !== "") await ok("rm", "-f", "job");
      // The name is free whatever happened.
      expect((await run(["run", "--rm", ...quick, "--name", "job", image, "true"])).status).toBe(0);
    }
    age(root);
    await ok("prune", "--older-than", "0");
    expect(await leftovers(root, [...ids])).toEqual([]);
  }, 120_000);

  test("stop, rm and start, killed at any moment, can be done again", async () => {
    const made = engine(user);
    const { root, ok } = made;
    await ok("pull", "-q", busybox);
    const image = await ok("images", "-q");
    const id = await ok("run", "-d", ...quick, "--name", "job", image, "sleep", "60");
    for (const ms of moments) {
      await killedAt(made, ms, ["stop", "-t", "0", "job"]);
      await ok("stop", "-t", "0", "job");
      await killedAt(made, ms, ["start", "job"]);
      await ok("start", "job");
      expect(await ok("inspect", "-f", "{{.State.Status}}", "job")).toBe("running");
    }
    await ok("stop", "-t", "0", "job");
    for (const ms of moments) {
      await killedAt(made, ms, ["rm", "job"]);
      if ((await ok("ps", "-aq")) === "") break;
    }
    if ((await ok("ps", "-aq")) !== "") await ok("rm", "job");
    age(root);
    await ok("prune", "--older-than", "0");
    expect(await leftovers(root, [id])).toEqual([]);
  }, 120_000);

  test("SIGKILL of the supervisor at any moment of a start leaves a container that can be removed", async () => {
    const { root, run, ok } = engine(user);
    await ok("pull", "-q", busybox);
    const image = await ok("images", "-q");
    const ids: string[] = [];
    for (const ms of [0, 5, 10, 20, 40]) {
      const id = await ok("create", ...quick, image, "sleep", "30");
      ids.push(id);
      const starting = run(["start", id]);
      await killHolder(path.join(root, "containers", id, "lock"), ms);
      await starting;
      expect(await ok("ps", "-a", "--format", "{{.State}}")).toMatch(/^(exited|created|running)$/);
      await ok("rm", "-f", id);
    }
    expect(await leftovers(root, ids)).toEqual([]);
  }, 60_000);
});

/** Waits until somebody holds the lock, then kills that process `ms` later. */
async function killHolder(file: string, ms: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const holder = readdirSync("/proc").find((pid) => /^[0-9]+$/.test(pid) && holds(pid, file));
    if (holder !== undefined) {
      await sleep(ms);
      process.kill(Number(holder), "SIGKILL");
      return;
    }
    await sleep(2);
  }
}

function holds(pid: string, file: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("\0start\0") && hasOpen(pid, file);
  } catch {
    return false;
  }
}

function hasOpen(pid: string, file: string): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === file;
    } catch {
      return false;
    }
  });
}
