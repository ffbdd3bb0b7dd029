import type { ImageName } from "../core/image-name.js";
import { imageName, type StoredImage } from "../store/refs.js";
import type { Store } from "../store/store.js";
import { referenceOf } from "./commit-image.js";
import type { Context } from "./context.js";
import type { FetchedImage } from "./fetch-image.js";

/**
 * What the store has under the name, if that is the fetched image and all of it is there, ready to run. A pull then
 * has nothing to write, and so nothing to reserve, to lock or to flush.
 */
export async function currentImage(
  context: Context,
  store: Store,
  { name, image }: { readonly name: ImageName; readonly image: FetchedImage },
): Promise<StoredImage | undefined> {
  const reference = referenceOf(name, image);
  const stored = await store.find(reference);
  if (stored?.name !== imageName(reference) || stored.resolved !== image.resolved.digest) return undefined;
  if (stored.manifest.digest !== image.manifest.descriptor.digest) return undefined;
  const indexes = await Promise.all(image.indexes.map(({ descriptor }) => store.has(descriptor)));
  if (indexes.includes(false) || !(await store.isComplete(stored))) return undefined;
  const { diffIds } = image.config.value;
  const privilege = await context.privilege();
  if (privilege.kind === "confined") return undefined;
  return diffIds.length === 0 || (await store.findRootfs(diffIds, privilege)) ? stored : undefined;
}

/** What a pull says of such an image. */
export function tellCurrent({ emit }: Context, { manifest }: FetchedImage): void {
  for (const { digest, size } of manifest.value.layers)
    emit({ type: "layer", digest, total: size, state: "exists", done: size, fetched: 0 });
}
