import type { BlobSource } from "../core/blobs.js";
import type { Descriptor } from "../core/descriptor.js";
import type { DiffId, Digest } from "../core/digest.js";
import { parseImageName } from "../core/image-name.js";
import type { ImageSource } from "../core/image-source.js";
import { parseReference, repositoryOf } from "../core/reference.js";
import { hasBlob } from "../store/blobs.js";
import { imageLayers, type ImageLayer } from "../store/image-layers.js";
import { requireSpace } from "../store/free-space.js";
import { forgetDropped, layersSize, noteDropped } from "../store/layers.js";
import type { StoredImage } from "../store/refs.js";
import type { Store } from "../store/store.js";
import { createBudget, openAccount, type UnpackBudget } from "../store/unpack-budget.js";
import type { Context } from "./context.js";
import { openSource } from "./open-source.js";

/** Opens the repository an image's name stands for, at a manifest or index. Closed by {@link withRegistry}. */
export type Open = (digest: Digest) => Promise<ImageSource>;

export interface Refetch {
  readonly store: Store;
  readonly image: StoredImage;
  readonly open: Open;
  /** Most bytes the image's layers may be when unpacked, those that are there included. */
  readonly maxUnpacked?: number | undefined;
}

/** Nothing is asked of the network before `open` is called. */
export async function withRegistry(
  context: Context,
  image: StoredImage,
  work: (open: Open) => Promise<void>,
): Promise<void> {
  const repository = repositoryOf(parseReference(image.name));
  const opened: ImageSource[] = [];
  try {
    await work(async (digest) => {
      const source = await openSource(context, parseImageName(`${repository}@${digest}`));
      opened.push(source);
      return source;
    });
  } finally {
    for (const source of opened) source.close();
  }
}

/**
 * Completes the layers that `isWanted`: from their blobs in the store, else from the registry.
 * @throws StoreError DISK_FULL, before anything is fetched, for layers that cannot fit; LayerError TOO_BIG
 */
export async function refetchLayers(
  context: Context,
  refetch: Refetch,
  isWanted: (layer: ImageLayer) => boolean,
): Promise<void> {
  const { signal } = context;
  const { store, image, open } = refetch;
  const layers = await imageLayers(store.paths, image);
  const wanted = layers.filter(isWanted);
  await requireSpace(store.paths, wanted);
  const budgets = await budgetsFor(
    refetch,
    layers.filter((layer) => !wanted.includes(layer)),
  );
  const source = blobsOf(image, open);
  const pool = await store.openPool(1);
  try {
    for (const layer of wanted)
      await pool.ingest({ ...layer, budgets, source, signal, onBytes: ignore, onState: ignore });
  } finally {
    await pool.close();
  }
}

/** What is left of the image's limit beside the layers that stay as they are. */
async function budgetsFor(
  { store, image, maxUnpacked }: Refetch,
  kept: readonly ImageLayer[],
): Promise<readonly UnpackBudget[]> {
  if (maxUnpacked === undefined) return [];
  const budget = createBudget(maxUnpacked);
  const diffIds = kept.map(({ diffId }) => diffId);
  openAccount(image.name, [budget]).spend(layersSize(store.paths, diffIds));
  return [budget];
}

/** As {@link refetchLayers}, for what is no container image: its blobs as they are. */
export async function refetchBlobs(
  { signal }: Context,
  { store, image, open }: Refetch,
  wanted: readonly Descriptor[],
): Promise<void> {
  const blobs = wanted.map((descriptor) => ({ descriptor, diffId: undefined }));
  await requireSpace(store.paths, blobs);
  const source = blobsOf(image, open);
  const pool = await store.openPool(1);
  try {
    for (const descriptor of wanted)
      await pool.keep({ descriptor, source, signal, onBytes: ignore, onState: ignore });
  } finally {
    await pool.close();
  }
}

function blobsOf(image: StoredImage, open: Open): BlobSource {
  return {
    async read(descriptor, options) {
      return (await open(image.manifest.digest)).read(descriptor, options);
    },
  };
}

/** Brings back the blobs that `prune --compressed` dropped. */
export async function refetchDropped(context: Context, store: Store, image: StoredImage): Promise<void> {
  const dropped = new Map<Digest, DiffId>();
  for (const { descriptor, diffId } of await imageLayers(store.paths, image))
    if (!(await hasBlob(store.paths, descriptor))) dropped.set(descriptor.digest, diffId);
  if (dropped.size === 0) return;
  for (const diffId of dropped.values()) await forgetDropped(store.paths, diffId);
  try {
    await withRegistry(context, image, (open) =>
      refetchLayers(context, { store, image, open }, ({ descriptor }) => dropped.has(descriptor.digest)),
    );
  } catch (error) {
    // Still missing on purpose: the image goes on working without them.
    for (const [digest, diffId] of dropped) await noteDropped(store.paths, diffId, digest);
    throw error;
  }
}

function ignore(): void {
  // Whoever asked is told of the result.
}
