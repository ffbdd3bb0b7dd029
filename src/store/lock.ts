import { open, stat } from "node:fs/promises";
import type { Helper } from "../helper/helper.js";
import { errnoOf } from "../core/errors.js";

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Makes the directory the lock file is in; called again if another process removed it while we waited. */
  prepare?(): Promise<unknown>;
}

/**
 * Runs `work` while holding the kernel lock on `file`. The holder may delete the file: whoever waited for the deleted
 * one notices and locks the file that is there now, so lock files do not pile up.
 */
export async function withLock<T>(
  lock: { readonly helper: Helper; readonly file: string },
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const held = await acquire(lock, options);
  try {
    return await work();
  } finally {
    await held.release();
  }
}

async function acquire({ helper, file }: { helper: Helper; file: string }, options: LockOptions) {
  for (;;) {
    await options.prepare?.();
    const before = await touch(file);
    if (before === undefined) continue;
    const held = await helper.lock(file, options.signal);
    // The helper opened the file after `before` was read and holds it open, so an equal inode now means it is this one.
    if ((await inode(file)) === before) return held;
    await held.release();
  }
}

async function touch(file: string): Promise<bigint | undefined> {
  try {
    await using handle = await open(file, "a", 0o600);
    return (await handle.stat({ bigint: true })).ino;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function inode(file: string): Promise<bigint | undefined> {
  return stat(file, { bigint: true }).then(
    (found) => found.ino,
    () => undefined,
  );
}
