import { writeWhole } from "../store/whole-file.js";

/** Writes `file` whole or not at all, in the way of {@link writeWhole}. @throws StoreError DISK_FULL, STORE_IO */
export async function writeWholeFile(file: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  await writeWhole("export", file, async (handle) => {
    for await (const piece of pieces) await handle.writeFile(piece);
  });
}
