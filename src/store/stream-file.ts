import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { errnoOf, StoreError } from "../core/errors.js";

const pieceBytes = 1024 * 1024;

/** A file's size, and its bytes. Opened when iterated: whoever does not want the bytes holds nothing open. @throws StoreError NOT_FOUND */
export async function streamFile(
  what: string,
  file: string,
): Promise<{ readonly size: number; readonly stream: AsyncIterable<Uint8Array> }> {
  const { size } = await stat(file).catch((error: unknown) => {
    if (errnoOf(error) !== "ENOENT") throw error;
    throw new StoreError("NOT_FOUND", `${what}: not in the store`, {
      hint: "`pullrun verify --repair` brings it back",
    });
  });
  return { size, stream: pieces(file) };
}

async function* pieces(file: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(file, { highWaterMark: pieceBytes }) as AsyncIterable<Uint8Array>;
}
