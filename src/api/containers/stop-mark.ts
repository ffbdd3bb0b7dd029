import { writeFile } from "node:fs/promises";
import path from "node:path";
import { errnoOf } from "../../core/errors.js";
import type { Container } from "./container.js";

/** Tells the supervisor that this end is wanted, so that no restart policy undoes it; a start takes the mark away. */
export async function markStopped({ directory }: Pick<Container, "directory">): Promise<void> {
  await writeFile(path.join(directory, "stop"), "", { mode: 0o600 }).catch((error: unknown) => {
    // Ended, and removed by its supervisor, just now.
    if (errnoOf(error) !== "ENOENT") throw error;
  });
}
