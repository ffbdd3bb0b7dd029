import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { errnoOf, StoreError } from "../core/errors.js";

const pieceBytes = 1024 * 1024;

/** A file's size, and its bytes up to that size. @throws StoreError NOT_FOUND */
export async function streamFile(
  what: string,
  file: string,
): Promise<{ readonly size: number; readonly stream: AsyncIterable<Uint8Array> }> {
  const handle = await open(file, "r").catch((error: unknown) => {
    if (errnoOf(error) !== "ENOENT") throw error;
    throw new StoreError("NOT_FOUND", `${what}: not in the store`, {
      hint: "`pullrun verify --repair` brings it back",
    });
  });
  const { size } = await handle.stat();
  return { size, stream: createReadStream("", { fd: handle, highWaterMark: pieceBytes }) };
}
