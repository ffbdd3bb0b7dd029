import { availableParallelism } from "node:os";
import pLimit from "p-limit";
import type { Descriptor } from "../core/descriptor.js";
import type { DiffId } from "../core/digest.js";
import type { Emit, LayerState } from "../core/events.js";
import type { ImageSource } from "../core/image-source.js";
import type { LayerPool, Store } from "../store/store.js";
import type { FetchedImage } from "./fetch-image.js";

/** Podman's figure; docker takes 3. */
const concurrentDownloads = 6;

export interface PullLayersOptions {
  readonly store: Store;
  readonly source: ImageSource;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** Brings every layer into the store, biggest first, so that the longest one does not start last. The first failure stops the others. */
export async function pullLayers(image: FetchedImage, options: PullLayersOptions): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const limit = pLimit(concurrentDownloads);
  const layers = distinctLayers(image).sort((a, b) => b.descriptor.size - a.descriptor.size);
  const pool = await options.store.openPool(Math.min(layers.length, availableParallelism()));
  try {
    const tasks = layers.map((layer) => limit(() => pullLayer(layer, pool, { ...options, signal })));
    await Promise.all(tasks).catch(async (error: unknown) => {
      stop.abort(error);
      await Promise.allSettled(tasks);
      throw error;
    });
  } finally {
    await pool.close();
  }
}

interface Layer {
  readonly descriptor: Descriptor;
  readonly diffId: DiffId;
}

/** An image may hold one layer several times. */
function distinctLayers({ manifest, config }: FetchedImage): Layer[] {
  const byDigest = new Map<string, Layer>();
  manifest.value.layers.forEach((descriptor, i) => {
    const diffId = config.value.diffIds[i];
    if (diffId !== undefined) byDigest.set(`${descriptor.digest} ${diffId}`, { descriptor, diffId });
  });
  return [...byDigest.values()];
}

async function pullLayer(
  { descriptor, diffId }: Layer,
  pool: LayerPool,
  options: PullLayersOptions,
): Promise<void> {
  const { digest, size: total } = descriptor;
  let done = 0;
  let state: LayerState = "waiting";
  const tell = (): void => options.emit({ type: "layer", digest, state, done, total });
  await pool.ingest({
    descriptor,
    diffId,
    source: options.source,
    signal: options.signal,
    onBytes(count) {
      done += count;
      tell();
    },
    onState(next) {
      state = next;
      if (next === "done" || next === "exists") done = total;
      tell();
    },
  });
}
