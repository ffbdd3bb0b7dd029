import { buildSync } from "esbuild";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pullrunPath } from "../support/cli.js";
import { missing, mustRun } from "../support/tools.js";
import { ordinaryUid } from "../support/users.js";
import type { Case, Outcome, World } from "./case.js";
import { allCases } from "./cases/all.js";
import { podmanLabel } from "./engines.js";
import { writeImages } from "./images.js";

/** The machine beside the repository that has cgroup v2 and nothing else. */
export const vmRun = path.resolve(import.meta.dirname, "../../../shared/tools/vm-run");
export const needsVm = missingForVm();

function missingForVm(): string {
  if (!existsSync(vmRun)) return "needs ../shared/tools: ";
  // The guest has a /tmp of its own.
  if (pullrunPath.startsWith("/tmp/")) return "needs a clone that is not below /tmp: ";
  return missing("qemu-system-x86_64", "mkfs.ext4");
}

/** What to put before `node runner.mjs` to be in a world; `directory` is one both sides can read. */
export type Entrance = (directory: string) => readonly string[];

/** As root, with a network of its own: bridge and rules are not this machine's. */
export const asRoot: Entrance = () => ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"];

/** As a user with 65536 subordinate ids, who is known in a mount namespace of ours only. */
export const asUser: Entrance = (directory) => {
  const files = {
    passwd: `root:x:0:0::/:/bin/sh\nvisitor:x:${ordinaryUid}:${ordinaryUid}::/:/bin/sh\n`,
    subuid: "visitor:200000:65536\n",
    subgid: "visitor:200000:65536\n",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);
  const binds = Object.keys(files).map((name) => `mount --bind ${directory}/${name} /etc/${name}`);
  const user = `setpriv --reuid=${ordinaryUid} --regid=${ordinaryUid} --clear-groups`;
  const script = [...binds, "ip link set lo up", `exec ${user} "$@"`].join(" && ");
  return ["unshare", "--net", "--mount", "sh", "-c", script, "sh"];
};

export const inVm =
  (...options: readonly string[]): Entrance =>
  () => [vmRun, "--timeout", "1800", ...options, "--"];

/** One test for each of the world's cases, and one for what is left after them. The cases run once, before all. */
export function describeWorld(world: World, needs: string, entrance: Entrance): void {
  describe.skipIf(needs !== "")(`${needs}${world}`, () => {
    let outcomes: ReadonlyMap<string, Outcome>;
    let directory = "";
    beforeAll(async () => {
      directory = makeDirectory();
      await writeImages(path.join(directory, "images"));
      outcomes = await runWorld(world, directory, entrance);
    }, 1_860_000);
    afterAll(() => mustRun("rm", ["-rf", directory]));

    for (const [subject, cases] of Object.entries(allCases)) {
      const here = cases.filter(({ worlds }) => worlds.includes(world));
      if (here.length > 0) describe(subject, () => here.forEach((one) => testCase(one, () => outcomes)));
      here.filter(({ peer }) => peer?.includes(world)).forEach((one) => testPeer(one, () => outcomes));
    }
    test("nothing is left of them: no directory, name, mount, process, cgroup, interface or rule", () => {
      expect(outcomes.get("leftovers")).toMatchObject({ status: 0, stdout: "" });
    });
  });
}

function testCase(one: Case, outcomes: () => ReadonlyMap<string, Outcome>): void {
  const needs = missing(...(one.tools ?? []));
  test.skipIf(needs !== "")(`${needs}${one.name}`, () => {
    const outcome = outcomes().get(one.name);
    expect(outcome, outcome?.stderr).toMatchObject({
      status: one.status ?? 0,
      ...(one.stdout === undefined ? {} : { stdout: matching(one.stdout) }),
      ...(one.stderr === undefined ? {} : { stderr: matching(one.stderr) }),
    });
  });
}

function testPeer({ name, tools = [] }: Case, outcomes: () => ReadonlyMap<string, Outcome>): void {
  const needs = missing("podman", ...tools);
  test.skipIf(needs !== "")(`${needs}podman agrees: ${name}`, () => {
    const [ours, theirs] = [name, podmanLabel + name].map((key) => outcomes().get(key));
    expect(theirs).toBeDefined();
    expect({ status: ours?.status, stdout: ours?.stdout }, theirs?.stderr).toEqual({
      status: theirs?.status,
      stdout: theirs?.stdout,
    });
  });
}

function matching(wanted: string | RegExp): unknown {
  return typeof wanted === "string" ? wanted : expect.stringMatching(wanted);
}

/** Below /var/tmp: a guest has a /tmp of its own. With the runner in it. A short name: podman wants its own below 50 bytes. */
function makeDirectory(): string {
  const directory = mkdtempSync("/var/tmp/blackbox-");
  chmodSync(directory, 0o755);
  mkdirSync(path.join(directory, "tmp"));
  chmodSync(path.join(directory, "tmp"), 0o1777);
  buildSync({
    entryPoints: [path.join(import.meta.dirname, "runner.ts")],
    outfile: path.join(directory, "runner.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
  });
  return directory;
}

async function runWorld(world: World, directory: string, entrance: Entrance): Promise<Map<string, Outcome>> {
  const command = ["node", path.join(directory, "runner.mjs"), world, path.join(directory, "images")];
  const [file = "", ...args] = [...entrance(directory), ...command];
  const PATH = `${path.dirname(pullrunPath)}:${path.dirname(process.execPath)}:${process.env["PATH"] ?? ""}`;
  // A guest has a TMPDIR of its own; on this machine everything stays where it is removed afterwards.
  const env = { PATH, TMPDIR: path.join(directory, "tmp") };
  const child = spawn(file, args, { env, stdio: ["ignore", "pipe", "pipe"], cwd: directory });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const status = await new Promise((resolve) => child.once("close", resolve));
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  const outcomes = lines.map((line) => JSON.parse(line) as Outcome);
  if (status !== 0) {
    throw new Error(`${world}: ended early after ${outcomes.at(-1)?.name}: ${stderr.slice(-2000)}`);
  }
  return new Map(outcomes.map((outcome) => [outcome.name, outcome]));
}
