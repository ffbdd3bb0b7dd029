import type { Descriptor } from "../core/descriptor.js";
import { IntegrityError, LayerError } from "../core/errors.js";
import { requireSpace } from "../store/free-space.js";
import { addLayers, emptyContent, type Content } from "../store/image-content.js";
import type { Store } from "../store/store.js";
import { surveyContainers } from "./containers/survey.js";
import type { Context } from "./context.js";
import type { Fetched } from "./fetch-image.js";
import type { LayerJob } from "./pull-layers.js";

export interface GuardedPull {
  readonly store: Store;
  readonly images: readonly Fetched[];
  /** Of them all, each once. */
  readonly layers: readonly LayerJob[];
}

/**
 * Runs the storing part of a pull. Meanwhile nobody deletes what it counts on; if an image is refused, nothing that
 * only this pull needed stays. After any other failure what arrived is kept: the next attempt goes on from there.
 * @throws StoreError DISK_FULL, before anything is fetched, for layers that cannot fit
 */
export async function guardPull<T>(
  context: Context,
  { store, images, layers }: GuardedPull,
  work: () => Promise<T>,
): Promise<T> {
  const content = contentOf(images);
  await requireSpace(store.paths, layers).catch(async (error: unknown) => {
    await discard(context, store, content);
    throw error;
  });
  const reservation = await store.reserve(content, context.signal);
  try {
    return await work();
  } catch (error) {
    await reservation.release();
    if (error instanceof LayerError || error instanceof IntegrityError)
      await discard(context, store, content);
    throw error;
  } finally {
    await reservation.release();
  }
}

async function discard(context: Context, store: Store, content: Content): Promise<void> {
  try {
    const inUse = await surveyContainers(context, store);
    await store.discard(content, { privilege: await context.privilege(), inUse });
  } catch {
    // Why the image was refused is the news; `prune` gets another chance at the rest.
  }
}

function contentOf(images: readonly Fetched[]): Content {
  const content = emptyContent();
  for (const { config, manifest, indexes } of images) {
    const documents: Descriptor[] = [config, manifest, ...indexes].map(({ descriptor }) => descriptor);
    for (const { digest } of [...documents, ...manifest.value.layers]) content.blobs.add(digest);
    if (config.value !== undefined) addLayers(content, config.value.diffIds);
  }
  return content;
}
