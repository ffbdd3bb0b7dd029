import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import {
  inputPolicies,
  restartPolicies,
  type Plan,
  type PlanStep,
  type Step,
} from "../../src/helper/plan.js";
import { encodePlan } from "../../src/helper/plan-encoding.js";
import { startDetached } from "../../src/helper/process.js";
import { fork, shell, temporaryDirectory } from "./support.js";

/** Programs under a supervisor in the background, in a directory each. */

export type Supervise = Extract<Step, { readonly kind: "supervise" }>;

/** The values of `status`, empty if it is not there. */
export function statusOf(directory: string): Record<string, string> {
  const file = join(directory, "status");
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const pairs = text.split("\n").map((line): [string, string] => {
    const space = line.indexOf(" ");
    return [line.slice(0, space), line.slice(space + 1)];
  });
  return Object.fromEntries(pairs);
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

export const ended = (directory: string): Promise<void> =>
  until(() => statusOf(directory)["state"] === "exited");

export function logOf(directory: string, name = "log"): string[] {
  return readFileSync(join(directory, name), "utf8").split("\n").slice(0, -1);
}

/** What the program wrote to one stream, put together again. */
export function logged(lines: readonly string[], stream: string): string {
  const entries = lines.map((line) => /^\S+ (\S+) ([FP]) (.*)$/s.exec(line) as RegExpExecArray);
  return entries
    .filter(([, name]) => name === stream)
    .map(([, , tag, text = ""]) => (tag === "F" ? `${text}\n` : text))
    .join("");
}

export function supervisedPlan(
  directory: string,
  steps: Plan,
  wanted: Partial<Supervise> = {},
): [PlanStep, PlanStep, Supervise, ...PlanStep[]] {
  return [
    { kind: "lock", path: join(directory, "lock") },
    { kind: "record", directory },
    {
      kind: "supervise",
      directory,
      logBytes: 1 << 20,
      terminal: 0,
      input: inputPolicies.closed,
      restart: restartPolicies.no,
      retries: 0,
      ...wanted,
    },
    ...steps,
  ];
}

/** Runs a shell command line with the helper at `path`; returns its directory once it runs. */
export async function detached(
  path: string,
  command: string,
  wanted: Partial<Supervise> = {},
): Promise<string> {
  const directory = temporaryDirectory();
  await startDetached(path, supervisedPlan(directory, [fork, ...shell(command)], wanted));
  endAfterTest(directory);
  return directory;
}

/** The same with ourselves as its first client; returns the client. */
export function attached(
  path: string,
  directory: string,
  command: string,
  wanted: Partial<Supervise> = {},
): ChildProcess {
  const file = planFor(directory, command, wanted);
  return spawn(path, ["start", file, "attached", "012", "signals", ""]);
}

/** A file with the plan of that. */
export function planFor(directory: string, command: string, wanted: Partial<Supervise> = {}): string {
  const file = join(directory, "plan");
  writeFileSync(file, encodePlan(supervisedPlan(directory, [fork, ...shell(command)], wanted)));
  endAfterTest(directory);
  return file;
}

export function attach(path: string, directory: string, streams = "12"): ChildProcess {
  return spawn(path, ["attach", directory, streams, "signals", ""]);
}

export function endAfterTest(directory: string): void {
  onTestFinished(async () => {
    if (statusOf(directory)["state"] === undefined) return;
    writeFileSync(join(directory, "stop"), "");
    const pid = Number(statusOf(directory)["pid"]);
    if (pid > 0 && existsSync(`/proc/${pid}`)) process.kill(pid, "SIGKILL");
    await ended(directory);
  });
}

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function finished(child: ChildProcess): Promise<Finished> {
  const output = { stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk: Buffer) => (output.stdout += chunk.toString("latin1")));
  child.stderr?.on("data", (chunk: Buffer) => (output.stderr += chunk.toString("latin1")));
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { status, ...output };
}

/** Resolves with the first that comes from a client. */
export async function firstOutput(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.stdout?.once("data", (chunk: Buffer) => resolve(chunk.toString())));
}
