import { open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { temporaryName, withIoErrors } from "../store/files.js";

/**
 * Writes `file` whole or not at all: beside it first, then renamed. What is there and is no regular file (a pipe, a
 * device) is written to as it is. @throws StoreError DISK_FULL, STORE_IO
 */
export async function writeWholeFile(file: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  await withIoErrors("write", file, async () => {
    const existing = await stat(file).catch(() => undefined);
    const replaces = existing === undefined || existing.isFile();
    const target = replaces ? temporaryName(path.dirname(path.resolve(file))) : file;
    try {
      await writePieces(target, pieces);
      if (replaces) await rename(target, file);
    } catch (error) {
      if (replaces) await rm(target, { force: true });
      throw error;
    }
  });
}

async function writePieces(target: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  await using handle = await open(target, "w");
  for await (const piece of pieces) await handle.writeFile(piece);
}
