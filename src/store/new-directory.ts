import { readdir } from "node:fs/promises";
import path from "node:path";
import { StoreError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { makeDirectories, withIoErrors } from "./files.js";

const hint = "name a new or empty directory";

/** The absolute path of what somebody calls `directory`; "" is nobody's name for the current one. @throws StoreError STORE_IO */
export function resolveDirectory(what: string, directory: string): string {
  if (directory !== "") return path.resolve(directory);
  throw new StoreError("STORE_IO", `${what}: the name of the directory is empty`, { hint });
}

export interface NewDirectory {
  /** The work, for messages. */
  readonly what: string;
  readonly directory: string;
  readonly mode: number;
  /** Deletes a name in it, with all below. */
  clear(file: string): Promise<void>;
}

/**
 * Makes `directory`, or finds it empty, and has it filled. After a failure it is empty again: the next attempt would else
 * be refused for what this one left. @throws StoreError STORE_IO; what `fill` throws
 */
export async function fillNewDirectory<T>(place: NewDirectory, fill: () => Promise<T>): Promise<T> {
  const { what, directory, clear } = place;
  await withIoErrors(what, directory, () => makeEmpty(place));
  try {
    return await withIoErrors(what, directory, fill);
  } catch (error) {
    // What cannot be deleted shows itself; why it failed is what counts.
    for (const name of await readdir(directory).catch(() => []))
      await clear(path.join(directory, name)).catch(() => undefined);
    throw error;
  }
}

async function makeEmpty({ what, directory, mode }: NewDirectory): Promise<void> {
  await makeDirectories(directory, mode);
  const [first] = await readdir(directory);
  if (first === undefined) return;
  const message = `${what}: ${printable(directory)}: is not empty (it holds ${printable(first, 60)})`;
  throw new StoreError("STORE_IO", message, { hint });
}
