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

/** Makes `directory`, for `what` to fill, or finds it empty. @throws StoreError STORE_IO */
export async function makeEmptyDirectory(what: string, directory: string, mode: number): Promise<void> {
  await withIoErrors(what, directory, async () => {
    await makeDirectories(directory, mode);
    const [first] = await readdir(directory);
    if (first === undefined) return;
    const message = `${what}: ${printable(directory)}: is not empty (it holds ${printable(first, 60)})`;
    throw new StoreError("STORE_IO", message, { hint });
  });
}
