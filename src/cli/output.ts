import { writeSync } from "node:fs";
import { errnoText } from "../core/errno-hints.js";
import { errnoOf } from "../core/errors.js";

/**
 * `process.stdout`, made at its first use: that takes Node longer than a warm `run` has. A reader that has seen enough
 * (`pullrun images | head -1`) ends us quietly; a full disk does not.
 */
export function stdout(): typeof process.stdout {
  const stream = process.stdout;
  if (!stream.listeners("error").includes(endOnFailedWrite)) stream.on("error", endOnFailedWrite);
  return stream;
}

/** True once text waits in the stream, which then has the order of things. */
let isFull = false;

/**
 * Writes text to stdout. Node's stream for it writes at once too, to whatever it is, but takes 4 ms to load: it is left to
 * what has no room now, such as a pipe that somebody made not to wait.
 */
export function print(text: string): void {
  const bytes = Buffer.from(text);
  const written = isFull ? 0 : writeNow(bytes);
  if (written === bytes.length) return;
  isFull = true;
  stdout().write(bytes.subarray(written));
}

/** How many bytes there was room for. */
function writeNow(bytes: Buffer): number {
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(1, bytes, written);
  } catch (error) {
    if (errnoOf(error) !== "EAGAIN") endOnFailedWrite(error as NodeJS.ErrnoException);
  }
  return written;
}

function endOnFailedWrite(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  stderr().write(`pullrun: cannot write to standard output: ${errnoText(error)}\n`);
  process.exit(1);
}

/** Progress and messages. Nobody who closes their end of them (`pullrun pull … 2>&1 | head -1`) stops what they tell of. */
export function stderr(): typeof process.stderr {
  const stream = process.stderr;
  if (!stream.listeners("error").includes(ignore)) stream.on("error", ignore);
  return stream;
}

function ignore(): void {
  // There is nowhere left to say it.
}

/** Writes bytes to stdout at the pace of its reader; each piece is done with before the next is asked for. */
export async function writeBytes(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  for await (const piece of pieces) await writeTo(stdout(), piece);
}

/** To one of the streams above, which deal with their errors themselves. */
export function writeTo(stream: NodeJS.WriteStream, piece: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    stream.write(piece, () => resolve());
  });
}

/** True where bytes would go to somebody's screen. */
export function stdoutIsTerminal(): boolean {
  return stdout().isTTY;
}
