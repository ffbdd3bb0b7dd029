import { StoreError } from "../core/errors.js";
import type { LayerEntry } from "../store/entry.js";
import { openFileData, type DataPlace } from "../store/file-data.js";
import type { ImageFiles } from "../store/image-files.js";
import type { Context } from "./context.js";
import { openImage } from "./image-target.js";
import { infoOf } from "./layer-listing.js";
import { normalize, notFound, requireNode, shownPath } from "./tree-path.js";

export interface FileRequest {
  /** `IMAGE`, or `IMAGE@LAYER` for a file as that layer has it, even if a later one deletes it. */
  readonly image: string;
  readonly path: string;
}

/**
 * The data of one file, straight from its layer's tar, in pieces of at most 1 MiB that are valid until the next is
 * asked for. In a whole image links are followed, inside the image; in a single layer hard links only.
 * @throws StoreError NOT_FOUND if there is no such file, or what is there is no regular file; CORRUPT
 */
export async function* readImageFile(context: Context, request: FileRequest): AsyncGenerator<Buffer, void> {
  const { files, layer } = await openImage(context, request.image);
  const path = normalize(request.path);
  const place = layer === undefined ? await placeInTree(files, path) : await placeInLayer(files, path, layer);
  const data = openFileData([files.tars[place.layer] ?? ""]);
  try {
    for (const piece of data.read({ ...place, layer: 0 })) {
      context.signal.throwIfAborted();
      yield piece;
    }
  } finally {
    data.close();
  }
}

async function placeInTree(files: ImageFiles, path: string): Promise<DataPlace> {
  const { node } = requireNode(await files.tree(), path);
  if (node.kind === "file") return node;
  throw notAFile(path, node.kind === "dir" ? "directory" : node.kind);
}

async function placeInLayer(files: ImageFiles, path: string, layer: number): Promise<DataPlace> {
  const entries = [...(await files.entries(layer))];
  const entry = lastEntry(entries, path, layer);
  const linked = entry?.type === "hardlink" ? normalize(entry.link) : undefined;
  const file = linked === undefined ? entry : lastEntry(entries, linked, layer);
  if (file === undefined) throw notFound(linked ?? path);
  if (file.type !== "file") throw notAFile(path, file.type);
  return { layer: layer - 1, offset: file.offset, size: file.size };
}

/** Of several entries for one name the last counts, as when the tar is unpacked. */
function lastEntry(entries: readonly LayerEntry[], path: string, layer: number): LayerEntry | undefined {
  const wanted = Buffer.from(path, "latin1");
  return entries.findLast((entry) => {
    const info = infoOf(entry, layer);
    return (
      info !== undefined && info.type !== "deleted" && info.type !== "opaque" && info.path.equals(wanted)
    );
  });
}

function notAFile(path: string, kind: string): StoreError {
  return new StoreError("NOT_FOUND", `file: ${shownPath(path)}: is a ${kind} (expected a regular file)`);
}
