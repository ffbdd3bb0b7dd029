import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { leftovers } from "../support/leftovers.js";
import { resetPodman } from "../support/podman.js";
import { have } from "../support/tools.js";
import type { Case, Outcome, World } from "./case.js";
import { allCases } from "./cases/all.js";
import { podmanEngine, type Engine } from "./engines.js";
import { imageNames } from "./image-names.js";

/**
 * Runs the cases of a world with `pullrun` from PATH and prints what became of each as a line of JSON, with what is left
 * of them, and then those podman has to agree on with podman. A plain script, bundled: it also runs where vitest would
 * take minutes to start.
 *   node runner.mjs WORLD LAYOUT
 */
const [world = "host root", layout = ""] = process.argv.slice(2) as [World?, string?];
const secondsPerCase = world.startsWith("VM") ? 300 : 30;
const directory = mkdtempSync(path.join(tmpdir(), "b-"));
const root = path.join(directory, "store");
const env: Engine["env"] = {
  PATH: process.env["PATH"] ?? "",
  HOME: directory,
  LAYOUT: layout,
  PULLRUN_ROOT: root,
  PULLRUN_NETWORK: "none",
  ...("XDG_RUNTIME_DIR" in process.env ? { XDG_RUNTIME_DIR: process.env["XDG_RUNTIME_DIR"] ?? "" } : {}),
};

function print(outcome: Outcome): void {
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}

/** In a process group of its own, so that one that hangs can be ended with all it started. */
function shell(script: string, env: Engine["env"]): Promise<Omit<Outcome, "name">> {
  const cwd = mkdtempSync(path.join(directory, "case-"));
  const stdio = ["ignore", "pipe", "pipe"] as const;
  const child = spawn("sh", ["-c", script], { cwd, env, stdio: [...stdio], detached: true });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const late = setTimeout(() => process.kill(-(child.pid ?? 0), "SIGKILL"), secondsPerCase * 1000);
  return new Promise((resolve) => {
    child.once("close", (code) => {
      clearTimeout(late);
      resolve({ status: code ?? 137, ...output });
    });
  });
}

function prepare(cases: readonly Case[], { env }: Engine): void {
  const used = imageNames.filter((name) => cases.some(({ script }) => script.includes(` ${name}`)));
  for (const name of used) {
    // By a relative path: podman makes a name of it, which must be in lower case.
    const script = `pullrun tag "$(pullrun pull -q oci:${path.basename(layout)}:${name}:latest)" ${name}`;
    const cwd = path.dirname(layout);
    const { status, stderr } = spawnSync("sh", ["-c", script], { cwd, env, encoding: "utf8" });
    if (status !== 0) throw new Error(`${name}: ${stderr}`);
  }
}

/** Two at a time: a container waits more than it works. */
async function runAll(cases: readonly Case[], { label, env }: Engine): Promise<void> {
  prepare(cases, { label, env });
  const waiting = [...cases];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      print({ name: label + next.name, ...(await shell(next.script, env)) });
    }
  };
  await Promise.all([lane(), lane()]);
}

/** Supervisors tidy up a moment after their clients have gone. */
async function remains(ids: readonly string[]): Promise<string> {
  for (let tries = 0; ; tries++) {
    const left = await leftovers(root, ids);
    if (left.length === 0 || tries === 50) return left.join("\n");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function runOurs(cases: readonly Case[]): Promise<void> {
  const containers = path.join(root, "containers");
  mkdirSync(containers, { recursive: true });
  const ids = new Set<string>();
  const watcher = watch(containers, (_, name) => {
    if (name !== null && /^[0-9a-f]{64}$/.test(name)) ids.add(name);
  });
  await runAll(cases, { label: "", env });
  watcher.close();
  const left = await remains([...ids]);
  print({ name: "leftovers", status: ids.size > 0 ? 0 : 1, stdout: left, stderr: "" });
  if (existsSync(root)) spawnSync("pullrun", ["prune"], { env });
}

async function runPodmans(cases: readonly Case[]): Promise<void> {
  if (cases.length === 0 || !have("podman")) return;
  const storage = path.join(directory, "podman");
  try {
    await runAll(cases, podmanEngine(env, storage));
  } finally {
    await resetPodman(storage);
  }
}

process.stdout.write(`${JSON.stringify({ directory })}\n`);
const cases = Object.values(allCases)
  .flat()
  .filter(({ worlds, tools = [] }) => worlds.includes(world) && tools.every(have));
await runOurs(cases);
await runPodmans(cases.filter(({ peer }) => peer?.includes(world)));
