import { open, rename, rm, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { temporaryName, withIoErrors } from "./files.js";
import type { ArchiveSink } from "./archives.js";

/** Small pieces are gathered up to this many bytes: a write per header would cost more than the data. */
const bufferBytes = 1024 * 1024;

/** Runs `write` with a sink for `file`, which appears whole or, after a failure, not at all. */
export async function writeArchiveFile(
  file: string,
  write: (sink: ArchiveSink) => Promise<void>,
): Promise<void> {
  await withIoErrors("save", file, async () => {
    const temporary = temporaryName(path.dirname(path.resolve(file)));
    try {
      await using handle = await open(temporary, "wx", 0o644);
      const output = buffered(handle);
      await write(output.sink);
      await output.flush();
      await handle.sync();
      await rename(temporary, file);
    } finally {
      await rm(temporary, { force: true });
    }
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
