import { StoreError } from "../core/errors.js";
import { parseReference, repositoryOf } from "../core/reference.js";
import { printable } from "../core/text.js";
import type { StoredImage } from "../store/refs.js";
import { sweepContainers } from "./containers/survey.js";
import type { Context } from "./context.js";
import { requireStored } from "./find-image.js";

export interface RemoveImageOptions {
  /** Take every name of an ID away, and names even if a stopped container uses the image. */
  readonly force?: boolean;
}

/**
 * Removes an image by name or ID, and what nothing else uses. `freed` is in bytes.
 * @throws StoreError LOCKED for an ID with several names, as docker has it, without `force`
 */
export async function removeImage(
  context: Context,
  image: string,
  { force = false }: RemoveImageOptions = {},
): Promise<{ name: string; freed: number }> {
  const store = await context.store({ create: false });
  const privilege = await context.privilege();
  const found = await requireStored(store, image);
  if (!force) refuseManyNames(image, found);
  const { used: inUse, resting } = await sweepContainers(context, store);
  let freed = 0;
  for (const stored of found) {
    const removed = await store.remove(stored, { privilege, inUse, resting, force, signal: context.signal });
    freed += removed.bytes;
  }
  return { name: found.map(({ name }) => name).join("\n"), freed };
}

/** Whoever names an ID may not know of the other names. The digests of one repository are no names of their own. */
function refuseManyNames(image: string, found: readonly StoredImage[]): void {
  const references = found.map(({ name }) => parseReference(name));
  const tags = references.filter(({ tag }) => tag !== undefined);
  if (tags.length < 2 && new Set(references.map(repositoryOf)).size < 2) return;
  const names = found.map(({ name }) => printable(name)).join(", ");
  const hint = `remove the names one by one, or all of them with: pullrun rmi -f ${printable(image, 80)}`;
  throw new StoreError("LOCKED", `remove: ${printable(image, 80)}: has more than one name: ${names}`, {
    hint,
  });
}
