/**
 * `process.stdout`, made at its first use: that takes Node longer than a warm `run` has. A reader that has seen enough
 * (`pullrun images | head -1`) ends us quietly; a full disk does not.
 */
export function stdout(): typeof process.stdout {
  const stream = process.stdout;
  if (!stream.listeners("error").includes(endOnFailedWrite)) stream.on("error", endOnFailedWrite);
  return stream;
}

function endOnFailedWrite(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  stderr().write(`pullrun: cannot write to standard output: ${error.code ?? error.message}\n`);
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
