import { mkdir, open, rm, rmdir, stat } from "node:fs/promises";
import path from "node:path";
import { AbortError, errnoOf, LaunchError, StoreError } from "../core/errors.js";
import { printable } from "../core/text.js";
import type { Helper } from "../helper/helper.js";

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Make the directory the lock file is in, again and again if others remove it while we wait. */
  readonly makeDirectory?: boolean;
}

const giveWayMs = 1000;

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

/** Whether somebody holds the lock on `file`; nobody does if there is no such file. */
export async function isLocked(helper: Helper, file: string): Promise<boolean> {
  if ((await inode(file)) === undefined) return false;
  try {
    await helper.run(
      [
        { kind: "lock", path: file },
        { kind: "exit", code: 0 },
      ],
      {},
    );
    return false;
  } catch (error) {
    const errno = error instanceof LaunchError ? error.info.details?.["errno"] : undefined;
    if (errno === "EAGAIN") return true;
    // Its directory was removed between our look and the helper's: by the holder, who is done.
    if (errno === "ENOENT") return false;
    throw error;
  }
}

/** Like {@link withLock}, but gives way: undefined if somebody else holds the lock, or has removed its directory. */
export async function withFreeLock<T>(
  lock: { readonly helper: Helper; readonly file: string },
  work: () => Promise<T>,
): Promise<T | undefined> {
  if (await isLocked(lock.helper, lock.file)) return undefined;
  // Free a moment ago: whoever has taken it since will need it for longer than this.
  const signal = AbortSignal.timeout(giveWayMs);
  try {
    return await withLock(lock, { signal }, work);
  } catch (error) {
    if (error instanceof AbortError && signal.aborted) return undefined;
    if (error instanceof StoreError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

async function acquire({ helper, file }: { helper: Helper; file: string }, options: LockOptions) {
  for (;;) {
    if (options.makeDirectory === true) await makeDirectory(path.dirname(file));
    const before = await touch(file);
    if (before === undefined && options.makeDirectory !== true) throw noDirectory(file);
    if (before === undefined) continue;
    const held = await helper.lock(file, options.signal).catch(async (error: unknown) => {
      // The directory may have been removed under the helper, and made anew since, with the same inode number.
      const wasThere = (await inode(file)) === before && !isGone(error);
      if (wasThere || options.signal?.aborted === true) throw error;
    });
    // The helper opened the file after `before` was read and holds it open, so an equal inode now means it is this one.
    if (held !== undefined && (await inode(file)) === before) return held;
    await held?.release();
  }
}

function noDirectory(file: string): StoreError {
  const directory = printable(path.dirname(file));
  return new StoreError("NOT_FOUND", `lock: ${directory}: the directory is gone`, {
    hint: "run the command again",
  });
}

/** The helper has its errors only as text; it runs without a locale. */
function isGone(error: unknown): boolean {
  return error instanceof LaunchError && error.message.endsWith(": No such file or directory");
}

/** Deletes the directory of a lock we hold: the next holder may be making it anew meanwhile. */
export async function removeLockDirectory(file: string): Promise<void> {
  await rm(file, { force: true });
  await rmdir(path.dirname(file)).catch((error: unknown) => {
    // Whoever waits for the lock may already have made its file again.
    if (errnoOf(error) !== "ENOTEMPTY" && errnoOf(error) !== "ENOENT") throw error;
  });
}

// Not recursive: that one fails if another process removes the directory between its two looks.
async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
    if (errnoOf(error) !== "EEXIST") throw error;
  });
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
