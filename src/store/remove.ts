import { StoreError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { deleteContent, deleteFreeDownload, type DeleteContext, type Removed } from "./delete-content.js";
import { atomicWrite, withStoreErrors } from "./files.js";
import { addAll, emptyContent, without, type Content } from "./image-content.js";
import { encodeIndex, readIndex } from "./index-file.js";
import { withLock } from "./lock.js";
import { addEntries, addImage, neededContent } from "./needed.js";
import { toImage, type StoredImage } from "./refs.js";
import { addReserved } from "./reservations.js";

export type { DeleteContext as RemoveContext, Removed };

export interface RemovalOptions {
  /** What running containers run on. */
  readonly inUse?: Content;
  /** What stopped ones will run on when they are started again. */
  readonly resting?: Content;
  /** Take the name away although a stopped container uses the image, whose layers then stay. */
  readonly force?: boolean;
}

/**
 * Takes an image's name away and deletes what only that image needed. The name goes first: a removal that is cut
 * short leaves unused data, never an image with holes. Downloads in progress, what other pulls count on, and unknown
 * files are left alone.
 * @throws StoreError NOT_FOUND if the name is gone, LOCKED if a container uses what would be deleted
 */
export async function removeImage(
  context: DeleteContext,
  image: StoredImage,
  options: RemovalOptions = {},
): Promise<Removed> {
  const { paths, helper, signal } = context;
  return withStoreErrors("remove", image.name, () =>
    withLock({ helper, file: paths.lock }, { signal }, async () => {
      const index = await readIndex(paths.root);
      const rest = index.entries.filter(
        (entry) => entry.refName !== image.name || toImage(entry) === undefined,
      );
      if (rest.length === index.entries.length) {
        throw new StoreError("NOT_FOUND", `remove: ${printable(image.name)}: no such image`);
      }
      const mine = emptyContent();
      await addImage(paths, image, mine);
      const needed = emptyContent();
      await addEntries(paths, rest, needed);
      refuseUsed(image, without(mine, needed), options);
      if (options.resting !== undefined) addAll(needed, options.resting);
      await addReserved(context, needed);
      await atomicWrite(paths.index, encodeIndex(index, rest));
      return deleteContent(context, without(mine, needed));
    }),
  );
}

/**
 * Deletes what a refused pull stored, as far as no image, no other pull and no container (`inUse`) needs it. The pull
 * must have released its reservation.
 */
export async function discardContent(
  context: DeleteContext,
  content: Content,
  options: { readonly inUse: Content },
): Promise<Removed> {
  const { paths, helper, signal } = context;
  return withStoreErrors("remove", paths.root, () =>
    withLock({ helper, file: paths.lock }, { signal }, async () => {
      const unneeded = without(content, await neededContent(context, options.inUse));
      const removed = await deleteContent(context, unneeded);
      // Documents wait there until the layers have come.
      for (const digest of unneeded.blobs) await deleteFreeDownload(context, paths.ingest(digest));
      return removed;
    }),
  );
}

function refuseUsed(image: StoredImage, unneeded: Content, options: RemovalOptions): void {
  const { inUse = emptyContent(), resting = emptyContent(), force = false } = options;
  const refused = (what: string, hint: string): StoreError =>
    new StoreError("LOCKED", `remove: ${printable(image.name)}: a ${what} container uses it`, { hint });
  if (intersect(inUse, unneeded)) throw refused("running", "stop the container first");
  if (intersect(resting, unneeded) && !force) {
    throw refused("stopped", "remove the container first, or only the image's name with: pullrun rmi -f");
  }
}

function intersect(used: Content, unneeded: Content): boolean {
  return [...used.chainIds].some((chainId) => unneeded.chainIds.has(chainId));
}
