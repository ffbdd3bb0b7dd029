import { link, mkdir, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { errnoOf, StoreError } from "../core/errors.js";
import { errnoHint, errnoText, pathHint } from "../core/errno-hints.js";
import { printable } from "../core/text.js";
import { randomBytes } from "../helper/random.js";

/** Names of files being written start like this; a reader never takes one for content. */
export const temporaryPrefix = ".tmp-";

export function temporaryName(directory: string): string {
  return path.join(directory, `${temporaryPrefix}${randomBytes(8).toString("hex")}`);
}

/** Replaces `file` whole or not at all, also across a power cut: write beside it, fsync, rename, fsync the directory. */
export async function atomicWrite(file: string, bytes: Uint8Array, mode = 0o644): Promise<void> {
  await withStoreErrors("write", file, async () => {
    const temporary = await writeBeside(file, bytes, mode);
    await rename(temporary, file).catch((error: unknown) => discard(temporary, error));
    await syncDirectory(path.dirname(file));
  });
}

/** Like {@link atomicWrite}, but leaves a file that is already there alone. */
export async function atomicCreate(file: string, bytes: Uint8Array, mode = 0o644): Promise<void> {
  await withStoreErrors("write", file, async () => {
    const temporary = await writeBeside(file, bytes, mode);
    // link, unlike rename, fails if the name exists: two processes that create a store at once both end up with one.
    await link(temporary, file).catch(async (error: unknown) => {
      if (errnoOf(error) !== "EEXIST") await discard(temporary, error);
    });
    await rm(temporary, { force: true });
    await syncDirectory(path.dirname(file));
  });
}

/** Makes a rename in `directory` durable. */
export const syncDirectory = syncFile;

/** Makes what the file holds durable, whoever wrote it. */
export async function syncFile(file: string): Promise<void> {
  await using handle = await open(file, "r");
  await handle.sync();
}

/** As `mkdir -p`. Node's own never comes back where the parent is there and takes no directories, as /proc. */
export async function makeDirectories(directory: string, mode: number): Promise<void> {
  const make = (): Promise<unknown> =>
    mkdir(directory, { mode }).catch((error: unknown) => {
      if (errnoOf(error) !== "EEXIST") throw error;
    });
  try {
    await make();
  } catch (error) {
    const parent = path.dirname(directory);
    if (errnoOf(error) !== "ENOENT" || parent === directory) throw error;
    await makeDirectories(parent, mode);
    await make();
  }
}

/** Runs `work` on a path that somebody gave us, turning system errors into StoreErrors: DISK_FULL, else STORE_IO. */
export async function withIoErrors<T>(what: string, object: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw ioError({ what, object, hintFor: pathHint }, error);
  }
}

/** The same where `work` is on the store's own files. */
export async function withStoreErrors<T>(what: string, object: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeError(what, object, error);
  }
}

/** A system error about the store's own files as StoreError; anything else as it is. */
export function storeError(what: string, object: string, error: unknown): unknown {
  return ioError({ what, object, hintFor: errnoHint }, error);
}

interface Subject {
  readonly what: string;
  readonly object: string;
  hintFor(errno: string): string | undefined;
}

function ioError({ what, object, hintFor }: Subject, error: unknown): unknown {
  const errno = errnoOf(error);
  if (!(error instanceof Error) || errno === undefined || !("syscall" in error)) return error;
  const message = `${what}: ${printable(object)}: ${errnoText(error)}${placeOf(error, object)}`;
  const code = errno === "ENOSPC" || errno === "EDQUOT" ? "DISK_FULL" : "STORE_IO";
  const hint = hintFor(errno);
  return new StoreError(code, message, { cause: error, ...(hint === undefined ? {} : { hint }) });
}

/** Which file it was, unless that is the object itself, one that we only write for it, or its whole name is the trouble. */
function placeOf(error: Error, object: string): string {
  if (!("path" in error) || typeof error.path !== "string" || errnoOf(error) === "ENAMETOOLONG") return "";
  const isOther = path.resolve(error.path) !== path.resolve(object) && !error.path.includes(temporaryPrefix);
  return isOther ? ` (${printable(error.path)})` : "";
}

/**
 * What `read` returns, undefined where there is no such file. The small files that stand between a command line and its
 * container are read like this, synchronously: handing each to a thread takes longer than reading it.
 */
export function unlessAbsent<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function writeBeside(file: string, bytes: Uint8Array, mode: number): Promise<string> {
  const temporary = temporaryName(path.dirname(file));
  try {
    await using handle = await open(temporary, "wx", 0o600);
    await handle.writeFile(bytes);
    await handle.chmod(mode);
    await handle.sync();
  } catch (error) {
    await discard(temporary, error);
  }
  return temporary;
}

async function discard(temporary: string, error: unknown): Promise<never> {
  await rm(temporary, { force: true });
  throw error;
}
