import { openFileData } from "../store/file-data.js";
import { flatTar } from "../store/flat-tar.js";
import type { Context } from "./context.js";
import { openImage } from "./image-target.js";

/**
 * An image's whole root file system as one tar, in pieces of about 1 MiB; `IMAGE@LAYER` as it was after that layer.
 * Owners, times, device nodes, extended attributes and hard links are all in it. @throws StoreError NOT_FOUND, CORRUPT
 */
export async function* exportImage(context: Context, image: string): AsyncGenerator<Buffer, void> {
  const { files, layer } = await openImage(context, image);
  const tree = await files.tree(layer);
  const data = openFileData(files.tars);
  try {
    for (const piece of flatTar(tree, data)) {
      context.signal.throwIfAborted();
      yield piece;
    }
  } finally {
    data.close();
  }
}
