import { execFile, spawn, type ChildProcess } from "node:child_process";
import type { Duplex, Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { errnoOf, LaunchError } from "../core/errors.js";
import { throwIfAborted } from "../core/interruption.js";
import { printable } from "../core/text.js";
import type { HelperRunOptions } from "./helper.js";
import { encodePlan } from "./plan-encoding.js";
import type { Plan } from "./plan.js";
import { failureFrom } from "./status.js";

/** More than the helper ever writes about a failure; what a program in the container writes beyond it is dropped. */
const maxMessage = 64 * 1024;
/** `ps` of a machine full of processes with long command lines. */
const maxCommandOutput = 64 * 1024 * 1024;
/** Entry records are some 80 bytes: one write each would cost more than making the files. */
const writeBytes = 256 * 1024;

/** What a small system program prints; "" if it fails, which for those we ask means it knows nothing. */
export async function readCommand(path: string, args: readonly string[]): Promise<string> {
  const { failed, stdout } = await runCommand(path, args);
  return failed ? "" : stdout;
}

export interface CommandEnd {
  readonly failed: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program of this machine, which gets nothing of our environment. */
export async function runCommand(path: string, args: readonly string[]): Promise<CommandEnd> {
  const options = { env: { LC_ALL: "C.UTF-8" }, timeout: 10_000, maxBuffer: maxCommandOutput };
  return new Promise((resolve) => {
    execFile(path, args, options, (error, stdout, stderr) =>
      resolve({ failed: error !== null, stdout, stderr }),
    );
  });
}

export async function runHelper(
  path: string,
  args: readonly string[],
  plan: Plan,
  options: HelperRunOptions,
): Promise<number> {
  const bytes = encodePlan(plan);
  throwIfAborted(options.signal);
  const child: ChildProcess = spawn(path, args, {
    stdio: [
      options.input === undefined ? (options.stdin ?? "ignore") : "pipe",
      options.output === undefined ? (options.stdout ?? "ignore") : "pipe",
      options.stderr ?? "pipe",
      "pipe",
      "pipe",
    ],
    env: {},
    ...killedBy(options.signal),
  });
  // Out of descriptors it has no pipes either, only an error to wait for.
  if (child.pid === undefined) await waitForEnd(child, options.signal);
  const [, , , planPipe, statusPipe] = child.stdio as unknown as [
    unknown,
    unknown,
    unknown,
    Duplex,
    Readable,
  ];
  const stderr = collect(child.stderr);
  const status = collect(statusPipe);
  send(planPipe, bytes);
  const ended = waitForEnd(child, options.signal);
  const fed = options.input === undefined ? undefined : feed(child, options.input);
  const taken = options.output === undefined ? undefined : take(child, options.output);
  // All to their end: after an error the caller must be able to delete what the helper was making.
  const [end, input, output] = await Promise.allSettled([ended, fed, taken]);
  if (end.status === "rejected") throw end.reason;
  if (input.status === "rejected") throw input.reason;
  const code = end.value;
  const failure = failureFrom(status(), code ?? -1);
  if (failure !== undefined) throw failure;
  if (output.status === "rejected") throw output.reason;
  if (code === null) throw died(child.signalCode, stderr());
  return code;
}

/** The plan goes through a pipe, which the helper reads to its end before its first step. */
export async function beginHelper(path: string, plan: Plan): Promise<void> {
  const child: ChildProcess = spawn(path, ["run", "fd:3"], {
    // In a process group of its own, which Ctrl-C does not reach.
    detached: true,
    stdio: ["ignore", "ignore", "ignore", "pipe"],
    env: {},
  });
  if (child.pid === undefined) await waitForEnd(child, undefined);
  const pipe = child.stdio[3] as Writable;
  send(pipe, encodePlan(plan));
  await new Promise((resolve) => pipe.once("close", resolve));
  child.unref();
}

export function killedBy(signal: AbortSignal | undefined): { signal?: AbortSignal; killSignal: "SIGKILL" } {
  return { ...(signal === undefined ? {} : { signal }), killSignal: "SIGKILL" };
}

/** The exit status, or null for a death by signal. */
export async function waitForEnd(
  child: ChildProcess,
  signal: AbortSignal | undefined,
): Promise<number | null> {
  let problem: unknown;
  child.on("error", (error) => (problem ??= error));
  const code = await new Promise<number | null>((resolve) => {
    child.once("close", resolve);
    // Where even the pipes could not be made there is no close.
    if (child.pid === undefined) child.once("error", () => resolve(null));
  });
  throwIfAborted(signal);
  if (problem !== undefined && child.pid === undefined) throw notStarted(child.spawnfile, problem);
  return code;
}

function notStarted(path: string, cause: unknown): LaunchError {
  const errno = errnoOf(cause) ?? "unknown error";
  const hint =
    errno === "EMFILE" || errno === "ENFILE"
      ? "allow more open files (ulimit -n)"
      : "build it with `npm run build` (needs a C compiler and make)";
  return new LaunchError("NO_HELPER", `helper: ${printable(path)}: cannot start: ${errno}`, { hint, cause });
}

export function died(signal: string | null, stderr: string): LaunchError {
  const said = stderr === "" ? "" : `: ${printable(stderr.trim(), 500)}`;
  return new LaunchError("HELPER_FAILED", `helper: died of ${signal ?? "an unknown cause"}${said}`);
}

export function collect(stream: Readable | null): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on("error", () => undefined);
  stream?.on("data", (chunk: Buffer) => {
    if (size < maxMessage) chunks.push(chunk.subarray(0, maxMessage - size));
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

/** A helper that ends early closes its side; why it did is in its status, not in our EPIPE. */
function send(pipe: Writable, bytes: Uint8Array): void {
  pipe.on("error", () => undefined);
  pipe.end(bytes);
}

/** What stops short of the end ends the helper too. */
async function take(child: ChildProcess, output: NonNullable<HelperRunOptions["output"]>): Promise<void> {
  const stdout = child.stdout as Readable;
  try {
    await output(stdout);
  } catch (error) {
    child.kill("SIGKILL");
    stdout.destroy();
    throw error;
  }
}

async function feed(child: ChildProcess, input: AsyncIterable<Uint8Array>): Promise<void> {
  let problem: { readonly error: unknown } | undefined;
  async function* guarded(): AsyncGenerator<Uint8Array> {
    try {
      yield* inLargeChunks(input);
    } catch (error) {
      problem = { error };
      throw error;
    }
  }
  try {
    await pipeline(guarded(), child.stdin as Writable);
  } catch {
    // EPIPE, or the input's own error: then the helper must not take the cut stream for a complaint about it.
    if (problem === undefined) return;
    child.kill("SIGKILL");
    throw problem.error;
  }
}

async function* inLargeChunks(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of input) {
    pending.push(chunk);
    size += chunk.length;
    if (size < writeBytes) continue;
    yield Buffer.concat(pending, size);
    pending = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(pending, size);
}
