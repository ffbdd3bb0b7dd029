import { open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { errnoOf, StoreError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { temporaryName, withIoErrors } from "./files.js";

/**
 * Runs `write` for `file`, which appears whole or, after a failure, not at all: written beside first, then renamed. What
 * is there and is no regular file (a pipe, /dev/null) is written to as it is, never replaced. `what` names the work.
 * @throws StoreError DISK_FULL; STORE_IO, also for a directory that is missing; what `write` throws
 */
export async function writeWhole(
  what: string,
  file: string,
  write: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  await withIoErrors(what, file, async () => {
    if (!(await isReplaced(what, file))) {
      await using handle = await open(file, "w");
      await write(handle);
      return;
    }
    const temporary = temporaryName(path.dirname(path.resolve(file)));
    try {
      await using handle = await open(temporary, "wx", 0o644);
      await write(handle);
      await handle.sync();
      await rename(temporary, file);
    } finally {
      // Where it could not even be made there may be no directory either.
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  });
}

/** Whether `file` is regular or not there yet. */
async function isReplaced(what: string, file: string): Promise<boolean> {
  if (file === "") throw refused(`${what}: the name of the file is empty`, "name a file");
  const known = await stat(file).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  });
  if (known?.isDirectory() === true)
    throw refused(`${what}: ${printable(file)}: is a directory`, "name a file in it");
  if (known === undefined) await requireDirectory(what, file);
  return known === undefined || known.isFile();
}

async function requireDirectory(what: string, file: string): Promise<void> {
  const directory = path.dirname(file);
  const known = await stat(directory).catch(() => undefined);
  if (known?.isDirectory() === true) return;
  const problem = known === undefined ? "there is no directory" : "is in something that is no directory:";
  const message = `${what}: ${printable(file)}: ${problem} ${printable(directory)}`;
  throw refused(message, "make the directory first, or name another one");
}

function refused(message: string, hint: string): StoreError {
  return new StoreError("STORE_IO", message, { hint });
}
