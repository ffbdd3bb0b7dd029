import { readSync } from "node:fs";
import { AbortError } from "../core/errors.js";
import { progressCells } from "./ingest-protocol.js";

/** Reads a file that another thread is still writing, up to the size it will have. */
export interface Follower {
  /**
   * The next bytes, or undefined at the end. They are good until the next call: the buffer is used again, as a new one
   * each time would let hundreds of megabytes pile up between garbage collections.
   * @throws AbortError when the writer gave up
   */
  next(): Promise<Buffer | undefined>;
}

/** Big inputs keep the number of inflate calls low; 256 KiB is where reading stops mattering (measured, DESIGN 2). */
const pieceBytes = 256 * 1024;

export function followFile(fd: number, options: { size: number; progress: SharedArrayBuffer }): Follower {
  const cells = new BigInt64Array(options.progress);
  const buffer = Buffer.allocUnsafeSlow(pieceBytes);
  let position = 0;
  return {
    async next() {
      if (position >= options.size) return undefined;
      const available = Math.min(await waitBeyond(cells, position), options.size);
      // Out of the page cache, mostly: a trip to the thread pool would take longer than the copy.
      const bytesRead = readSync(fd, buffer, 0, Math.min(pieceBytes, available - position), position);
      if (bytesRead === 0) return undefined;
      position += bytesRead;
      return buffer.subarray(0, bytesRead);
    },
  };
}

/** Waits, without blocking the event loop, until more than `position` bytes are written. */
async function waitBeyond(cells: BigInt64Array<SharedArrayBuffer>, position: number): Promise<number> {
  for (;;) {
    const written = Atomics.load(cells, progressCells.written);
    if (Atomics.load(cells, progressCells.aborted) !== 0n) throw new AbortError("INTERRUPTED", "interrupted");
    if (written > BigInt(position)) return Number(written);
    // The timeout covers an abort that comes between the two loads above and this wait.
    await Atomics.waitAsync(cells, progressCells.written, written, 1000).value;
  }
}
