import { open, stat, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { errnoOf } from "../../core/errors.js";

/** A container's log as one stream: `log.1`, which was full, then `log`, then whatever takes its place. */
export interface Log {
  /** The next bytes, undefined while there are no more. */
  read(): Promise<Buffer | undefined>;
  close(): Promise<void>;
}

const chunkBytes = 256 * 1024;

/** Undefined for a container that has no log. */
export async function openLog(directory: string): Promise<Log | undefined> {
  const file = path.join(directory, "log");
  const newest = await openIfThere(file);
  if (newest === undefined) return undefined;
  const older = await openIfThere(`${file}.1`);
  // Rotated between the two: the same file twice.
  const pending = older === undefined || (await isSame(older, newest)) ? [newest] : [older, newest];
  if (pending.length === 1) await older?.close();
  return logOf(file, pending);
}

function logOf(file: string, pending: FileHandle[]): Log {
  const buffer = Buffer.alloc(chunkBytes);
  return {
    async read() {
      for (;;) {
        const [current] = pending;
        if (current === undefined) return undefined;
        const bytes = await readSome(current, buffer);
        if (bytes !== undefined) return bytes;
        if (pending.length === 1 && !(await addNext(file, current, pending))) return undefined;
        // Written between our look and its rotation.
        const late = await readSome(current, buffer);
        if (late !== undefined) return late;
        await pending.shift()?.close();
      }
    },
    async close() {
      for (const handle of pending) await handle.close();
    },
  };
}

async function readSome(handle: FileHandle, buffer: Buffer): Promise<Buffer | undefined> {
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
  return bytesRead === 0 ? undefined : Buffer.from(buffer.subarray(0, bytesRead));
}

/** Whether there is a new file under the name. Should there have been two rotations, the one between is lost. */
async function addNext(file: string, current: FileHandle, pending: FileHandle[]): Promise<boolean> {
  const [found, own] = await Promise.all([stat(file).catch(() => undefined), current.stat()]);
  if (found === undefined || found.ino === own.ino) return false;
  const next = await openIfThere(file);
  if (next === undefined) return false;
  pending.push(next);
  return true;
}

async function isSame(one: FileHandle, other: FileHandle): Promise<boolean> {
  const [a, b] = await Promise.all([one.stat(), other.stat()]);
  return a.ino === b.ino;
}

async function openIfThere(file: string): Promise<FileHandle | undefined> {
  return open(file, "r").catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  });
}
