import { open } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

/** Has the disk begin with large files while they still grow. */
export interface Writeback {
  /** Until the returned function is called, what the file has is written out again and again. */
  follow(file: string): () => void;
}

/**
 * Left alone, the kernel keeps what is written in memory for seconds, and the fsync at a layer's end waits for all of it
 * while the processors have nothing to do. One file at a time: a sync holds one of the four threads that inflating
 * needs too (DESIGN 3 wants everything on the disk before it gets its name; ADR 13 has the figures).
 */
export function createWriteback(): Writeback {
  const files = new Set<string>();
  let isRunning = false;
  async function run(): Promise<void> {
    isRunning = true;
    while (files.size > 0) {
      for (const file of files) await writeOut(file);
      await setTimeout(pauseMs, undefined, { ref: false });
    }
    isRunning = false;
  }
  return {
    follow(file) {
      files.add(file);
      if (!isRunning) void run();
      return () => void files.delete(file);
    },
  };
}

const pauseMs = 50;

/** Only to have it sooner: what fails here fails again where it counts. */
async function writeOut(file: string): Promise<void> {
  try {
    await using handle = await open(file, "r");
    await handle.datasync();
  } catch {
    // Not there yet, or gone.
  }
}
