import type { FileHandle } from "node:fs/promises";
import type { ArchiveSink } from "./archives.js";
import { writeWhole } from "./whole-file.js";

/** Small pieces are gathered up to this many bytes: a write per header would cost more than the data. */
const bufferBytes = 1024 * 1024;

/** Runs `write` with a sink for `file`, which appears whole or, after a failure, not at all. */
export async function writeArchiveFile(
  file: string,
  write: (sink: ArchiveSink) => Promise<void>,
): Promise<void> {
  await writeWhole("save", file, async (handle) => {
    const output = buffered(handle);
    await write(output.sink);
    await output.flush();
  });
}

function buffered(handle: FileHandle): { readonly sink: ArchiveSink; flush(): Promise<void> } {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    if (pieces.length > 0) await handle.writeFile(pieces);
    pieces = [];
    bytes = 0;
  };
  return {
    flush,
    async sink(piece) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= bufferBytes) await flush();
    },
  };
}
