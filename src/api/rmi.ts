import { surveyContainers } from "./containers/survey.js";
import type { Context } from "./context.js";
import { requireStored } from "./find-image.js";

/** Removes an image by name, or every name of an ID, and what nothing else uses. `freed` is in bytes. */
export async function removeImage(context: Context, image: string): Promise<{ name: string; freed: number }> {
  const store = await context.store({ create: false });
  const privilege = await context.privilege();
  const found = await requireStored(store, image);
  const inUse = await surveyContainers(context, store);
  let freed = 0;
  for (const stored of found) {
    const removed = await store.remove(stored, { privilege, inUse, signal: context.signal });
    freed += removed.bytes;
  }
  return { name: found.map(({ name }) => name).join("\n"), freed };
}
