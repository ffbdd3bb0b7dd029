import { stat } from "node:fs/promises";
import path from "node:path";
import type { DiffId, Digest } from "../core/digest.js";
import { hasBlob } from "./blobs.js";
import { imageLayers } from "./image-layers.js";
import { addContent, emptyContent } from "./image-content.js";
import { readIndex } from "./index-file.js";
import type { StorePaths } from "./layout.js";
import { listImages, toImage } from "./refs.js";
import { addReserved, type ReservationContext } from "./reservations.js";

export interface DroppableBlob {
  readonly digest: Digest;
  readonly diffId: DiffId;
}

/**
 * Blobs of layers that our images have unpacked, each once. Not those a running pull counts on, nor those an entry of
 * another tool needs, which has no other copy. To be called under the store's lock.
 */
export async function droppableBlobs(context: ReservationContext): Promise<DroppableBlob[]> {
  const { paths } = context;
  const kept = emptyContent();
  await addReserved(context, kept);
  for (const entry of (await readIndex(paths.root)).entries) {
    if (toImage(entry) === undefined && entry.descriptor !== undefined)
      await addContent(paths, entry.descriptor, kept);
  }
  const droppable = new Map<Digest, DroppableBlob>();
  for (const image of await listImages(paths)) {
    for (const { descriptor, diffId } of await imageLayers(paths, image)) {
      const { digest } = descriptor;
      if (kept.blobs.has(digest) || droppable.has(digest)) continue;
      if ((await hasBlob(paths, descriptor)) && (await isWhole(paths, diffId)))
        droppable.set(digest, { digest, diffId });
    }
  }
  return [...droppable.values()];
}

async function isWhole(paths: StorePaths, diffId: DiffId): Promise<boolean> {
  const files = ["tar", "entries"].map((name) => stat(path.join(paths.layer(diffId), name)));
  return (await Promise.allSettled(files)).every((result) => result.status === "fulfilled");
}
