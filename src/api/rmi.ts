import { sweepContainers } from "./containers/survey.js";
import type { Context } from "./context.js";
import { requireStored } from "./find-image.js";

export interface RemoveImageOptions {
  /** Take the name away even if a stopped container uses the image. */
  readonly force?: boolean;
}

/** Removes an image by name, or every name of an ID, and what nothing else uses. `freed` is in bytes. */
export async function removeImage(
  context: Context,
  image: string,
  { force = false }: RemoveImageOptions = {},
): Promise<{ name: string; freed: number }> {
  const store = await context.store({ create: false });
  const privilege = await context.privilege();
  const found = await requireStored(store, image);
  const { used: inUse, resting } = await sweepContainers(context, store);
  let freed = 0;
  for (const stored of found) {
    const removed = await store.remove(stored, { privilege, inUse, resting, force, signal: context.signal });
    freed += removed.bytes;
  }
  return { name: found.map(({ name }) => name).join("\n"), freed };
}
