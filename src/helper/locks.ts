import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { LaunchError } from "../core/errors.js";
import { printable } from "../core/text.js";
import type { Lock } from "./helper.js";
import { throwIfAborted } from "../core/interruption.js";
import { collect, waitForEnd } from "./child.js";

/** As many as locks.c holds. */
const slotCount = 512;

/**
 * A child process that takes and releases locks for us: starting one for each would be most of a small pull. It ends
 * with the last lock, so that none of ours is left when we become the helper of a container.
 */
interface Locker {
  readonly child: ChildProcess;
  /** By slot, who waits for its answer. */
  readonly waiting: Map<number, (error: number) => void>;
  readonly used: Set<number>;
}

/**
 * Takes locks: those that are free by one child that stays, which costs next to nothing; for a lock that somebody else
 * holds, or that cannot be had, another child waits and says what is the matter.
 */
export function createLocks(path: string): (file: string, signal?: AbortSignal) => Promise<Lock> {
  let locker: Locker | undefined;
  return async (file, signal) => {
    throwIfAborted(signal);
    const current = (locker ??= startLocker(path));
    const endIfIdle = async (): Promise<void> => {
      if (current.used.size > 0) return;
      if (locker === current) locker = undefined;
      await endChild(current.child);
    };
    return (await takeFree(current, file, endIfIdle)) ?? (await takeLock(path, file, signal));
  };
}

function startLocker(path: string): Locker {
  // In a process group of its own: Ctrl-C must not end it, and so give the locks away, before we have wound up.
  const child: ChildProcess = spawn(path, ["locks"], {
    stdio: ["pipe", "pipe", "ignore"],
    env: {},
    detached: true,
  });
  const locker: Locker = { child, waiting: new Map(), used: new Set() };
  const end = (): void => {
    for (const answer of locker.waiting.values()) answer(-1);
    locker.waiting.clear();
  };
  child.once("error", end).once("exit", end);
  child.stdin?.on("error", () => undefined);
  let rest = Buffer.alloc(0);
  child.stdout?.on("data", (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    for (; rest.length >= 8; rest = rest.subarray(8))
      settle(locker, rest.readUInt32LE(0), rest.readInt32LE(4));
  });
  setReferenced(child, false);
  return locker;
}

function settle({ child, waiting }: Locker, slot: number, error: number): void {
  waiting.get(slot)?.(error);
  waiting.delete(slot);
  if (waiting.size === 0) setReferenced(child, false);
}

/** The lock if it is free; undefined if it is not, or cannot be had at all. `freed` is told of each slot no longer used. */
async function takeFree(locker: Locker, file: string, freed: () => Promise<void>): Promise<Lock | undefined> {
  let slot = 0;
  while (locker.used.has(slot)) slot++;
  if (slot >= slotCount || file === "" || file.includes("\0")) return undefined;
  locker.used.add(slot);
  const error = await ask(locker, slot, file);
  let released = false;
  const release = async (): Promise<void> => {
    if (released) return;
    released = true;
    if (error === 0) await ask(locker, slot, "");
    locker.used.delete(slot);
    await freed();
  };
  if (error === 0) return { release };
  await release();
  return undefined;
}

/** What it answers: 0, an errno, or -1 if it is gone, and all its locks with it. */
function ask(locker: Locker, slot: number, file: string): Promise<number> {
  const { child, waiting } = locker;
  if (!isRunning(child)) return Promise.resolve(-1);
  const name = Buffer.from(file);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(slot, 0);
  head.writeUInt32LE(name.length, 4);
  setReferenced(child, true);
  return new Promise((resolve) => {
    waiting.set(slot, resolve);
    child.stdin?.write(Buffer.concat([head, name]));
  });
}

/** Waits in a helper of its own. */
async function takeLock(path: string, file: string, signal: AbortSignal | undefined): Promise<Lock> {
  throwIfAborted(signal);
  const child: ChildProcess = spawn(path, ["lock", file], {
    stdio: ["pipe", "pipe", "pipe"],
    env: {},
    detached: true,
  });
  const stderr = collect(child.stderr);
  child.stdin?.on("error", () => undefined);
  // Only while waiting: once held, the lock must outlast an abort until whoever holds it has wound up.
  const stopWaiting = (): void => void child.kill("SIGKILL");
  signal?.addEventListener("abort", stopWaiting);
  const ended = waitForEnd(child, signal);
  const answered = child.stdout ? [once(child.stdout, "data"), ended] : [ended];
  const answer = await Promise.race<unknown>(answered).finally(() =>
    signal?.removeEventListener("abort", stopWaiting),
  );
  if (!Array.isArray(answer)) throw lockFailed(file, stderr());
  ended.catch(() => undefined);
  setReferenced(child, false);
  return { release: () => endChild(child) };
}

/** Unreferenced, a lock somebody forgot does not keep the process from ending, which releases it. */
function setReferenced(child: ChildProcess, referenced: boolean): void {
  const streams = [child.stdin, child.stdout, child.stderr] as unknown as (ChildProcess | null)[];
  for (const part of [child, ...streams]) {
    if (referenced) part?.ref();
    else part?.unref();
  }
}

async function endChild(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return;
  setReferenced(child, true);
  const closed = new Promise((resolve) => child.once("exit", resolve));
  child.stdin?.end();
  await closed;
}

/** Not yet reaped; false too if it could not be started at all. */
function isRunning({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null;
}

function lockFailed(file: string, stderr: string): LaunchError {
  const said = printable(stderr.replace(/^pullrun: /, "").trim(), 500);
  return new LaunchError("HELPER_FAILED", said === "" ? `lock: ${printable(file)}: the helper died` : said);
}
