import { errnoOf } from "../core/errors.js";

/** Writes bytes to stdout at the pace of its reader; each piece is done with before the next is asked for. */
export async function writeBytes(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  for await (const piece of pieces) await write(piece);
}

function write(piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(piece, (error) => {
      if (error === null || error === undefined) resolve();
      // A reader that has seen enough: main.ts hears of it too, and ends the process.
      else if (errnoOf(error) !== "EPIPE") reject(error);
    });
  });
}

/** True where bytes would go to somebody's screen. */
export function stdoutIsTerminal(): boolean {
  return process.stdout.isTTY;
}
