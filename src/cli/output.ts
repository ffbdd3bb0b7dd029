import { errnoOf } from "../core/errors.js";

/**
 * `process.stdout`, made at its first use: that takes Node longer than a warm `run` has. A reader that has seen enough
 * (`pullrun images | head -1`) ends us quietly.
 */
export function stdout(): typeof process.stdout {
  const stream = process.stdout;
  if (!stream.listeners("error").includes(endOnClosedPipe)) stream.on("error", endOnClosedPipe);
  return stream;
}

function endOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
}

/** Writes bytes to stdout at the pace of its reader; each piece is done with before the next is asked for. */
export async function writeBytes(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  for await (const piece of pieces) await write(piece);
}

function write(piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stdout().write(piece, (error) => {
      if (error === null || error === undefined) resolve();
      // A reader that has seen enough: endOnClosedPipe hears of it too, and ends the process.
      else if (errnoOf(error) !== "EPIPE") reject(error);
    });
  });
}

/** True where bytes would go to somebody's screen. */
export function stdoutIsTerminal(): boolean {
  return stdout().isTTY;
}
