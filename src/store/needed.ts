import { blobSize } from "./blobs.js";
import { addAll, addContent, addIndexes, emptyContent, type Content } from "./image-content.js";
import { readIndex, type IndexEntry } from "./index-file.js";
import type { StorePaths } from "./layout.js";
import { toImage, type StoredImage } from "./refs.js";
import { addReserved, type ReservationContext } from "./reservations.js";

/** What an image needs, the index it was pulled through included. */
export async function addImage(paths: StorePaths, image: StoredImage, content: Content): Promise<void> {
  await addContent(paths, image.manifest, content);
  const size = await blobSize(paths, image.resolved);
  if (size === undefined || image.resolved === image.manifest.digest) return;
  await addIndexes(paths, { mediaType: "", digest: image.resolved, size }, content);
}

/** What index.json needs, whichever tool wrote its entries. */
export async function addEntries(
  paths: StorePaths,
  entries: readonly IndexEntry[],
  content: Content,
): Promise<void> {
  for (const entry of entries) {
    const image = toImage(entry);
    if (image !== undefined) await addImage(paths, image, content);
    else if (entry.descriptor !== undefined) await addContent(paths, entry.descriptor, content);
  }
}

/**
 * Everything that must stay: what index.json needs, what running pulls reserved, and `inUse`, what containers run on.
 * To be called under the store's lock, under which it stays true.
 */
export async function neededContent(context: ReservationContext, inUse: Content): Promise<Content> {
  const needed = emptyContent();
  addAll(needed, inUse);
  await addEntries(context.paths, (await readIndex(context.paths.root)).entries, needed);
  await addReserved(context, needed);
  return needed;
}
