import { StoreError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { deleteContent, deleteFreeDownload, type DeleteContext, type Removed } from "./delete-content.js";
import { atomicWrite, withIoErrors } from "./files.js";
import { emptyContent, without, type Content } from "./image-content.js";
import { encodeIndex, readIndex } from "./index-file.js";
import { withLock } from "./lock.js";
import { addEntries, addImage, neededContent } from "./needed.js";
import { toImage, type StoredImage } from "./refs.js";
import { addReserved } from "./reservations.js";

export type { DeleteContext as RemoveContext, Removed };

/**
 * Takes an image's name away and deletes what only that image needed. The name goes first: a removal that is cut
 * short leaves unused data, never an image with holes. Downloads in progress, what other pulls count on, and unknown
 * files are left alone.
 * @param inUse what containers run on
 * @throws StoreError NOT_FOUND if the name is gone, LOCKED if a container uses what would be deleted
 */
export async function removeImage(
  context: DeleteContext,
  image: StoredImage,
  options: { readonly inUse?: Content } = {},
): Promise<Removed> {
  const { paths, helper, signal } = context;
  return withIoErrors("remove", image.name, () =>
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
      refuseUsed(image, without(mine, needed), options.inUse ?? emptyContent());
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
  return withIoErrors("remove", paths.root, () =>
    withLock({ helper, file: paths.lock }, { signal }, async () => {
      const unneeded = without(content, await neededContent(context, options.inUse));
      const removed = await deleteContent(context, unneeded);
      // Documents wait there until the layers have come.
      for (const digest of unneeded.blobs) await deleteFreeDownload(context, paths.ingest(digest));
      return removed;
    }),
  );
}

function refuseUsed(image: StoredImage, unneeded: Content, inUse: Content): void {
  if ([...inUse.chainIds].every((chainId) => !unneeded.chainIds.has(chainId))) return;
  throw new StoreError("LOCKED", `remove: ${printable(image.name)}: a running container uses it`, {
    hint: "stop the container first",
  });
}
