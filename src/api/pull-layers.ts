import { availableParallelism } from "node:os";
import pLimit, { type LimitFunction } from "p-limit";
import type { BlobSource, SpareConnections } from "../core/blobs.js";
import type { Descriptor } from "../core/descriptor.js";
import type { DiffId } from "../core/digest.js";
import type { Emit, LayerState } from "../core/events.js";
import type { Download } from "../store/download.js";
import type { LayerPool, Store } from "../store/store.js";
import { createBudget, type UnpackBudget } from "../store/unpack-budget.js";
import { allOrNone } from "./all-or-none.js";
import type { FetchedArtifact, FetchedImage } from "./fetch-image.js";

/** Podman's figure; docker takes 3. */
export const defaultJobs = 6;

export interface PullLayersOptions {
  readonly store: Store;
  /** Most layers on their way at once, and most connections to fetch them over. */
  readonly jobs: number;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** A layer and where it comes from. */
export interface LayerJob {
  readonly descriptor: Descriptor;
  /** Undefined for a blob that is kept as it is. */
  readonly diffId: DiffId | undefined;
  /** Of the images it is part of, where they have a limit. */
  readonly budgets?: readonly UnpackBudget[];
  readonly source: BlobSource;
}

/**
 * Brings the layers into the store, each once however many images name it, biggest first, so that the longest one
 * does not start last. The first failure stops the others.
 */
export async function pullLayers(wanted: readonly LayerJob[], options: PullLayersOptions): Promise<void> {
  const limit = pLimit(options.jobs);
  const spare = spareOf(limit, options.jobs);
  const layers = distinct(wanted).sort((a, b) => b.descriptor.size - a.descriptor.size);
  const threads = Math.min(layers.length, options.jobs, availableParallelism());
  const pool = await options.store.openPool(threads);
  for (const { descriptor } of layers)
    tell(options.emit, descriptor, { state: "waiting", done: 0, fetched: 0 });
  try {
    const tasks = layers.map(
      (layer) => (signal: AbortSignal) =>
        limit(() => pullLayer(spread(layer, spare), pool, { ...options, signal })),
    );
    await allOrNone(tasks, options.signal);
  } finally {
    await pool.close();
  }
}

/** The layer, to be read over connections that other layers leave free too. */
function spread(layer: LayerJob, spare: SpareConnections): LayerJob {
  const { source } = layer;
  const read: BlobSource["read"] = (descriptor, options) => source.read(descriptor, { ...options, spare });
  return { ...layer, source: { read } };
}

/** What is left of `jobs` connections once every layer has one. */
function spareOf(limit: LimitFunction, jobs: number): SpareConnections {
  let taken = 0;
  return {
    take() {
      if (limit.pendingCount > 0 || limit.activeCount + taken >= jobs) return undefined;
      taken += 1;
      return () => {
        taken -= 1;
      };
    },
  };
}

/** The layers of an image, bottom first; `maxUnpacked` is the most bytes they may be when unpacked. */
export function layersOf(
  { manifest, config }: FetchedImage,
  source: BlobSource,
  maxUnpacked?: number,
): LayerJob[] {
  const budgets = maxUnpacked === undefined ? [] : [createBudget(maxUnpacked)];
  return manifest.value.layers.flatMap((descriptor, i) => {
    const diffId = config.value.diffIds[i];
    return diffId === undefined ? [] : [{ descriptor, diffId, budgets, source }];
  });
}

/** What an artifact consists of, besides its config. */
export function blobsOf({ manifest }: FetchedArtifact, source: BlobSource): LayerJob[] {
  return manifest.value.layers.map((descriptor) => ({ descriptor, diffId: undefined, source }));
}

/** An image may hold one layer several times, and images share layers across repositories. */
export function distinct(layers: readonly LayerJob[]): LayerJob[] {
  const byDigest = new Map<string, LayerJob>();
  for (const layer of layers) {
    const { digest, size } = layer.descriptor;
    const key = `${digest} ${size} ${layer.diffId ?? ""}`;
    const same = byDigest.get(key) ?? layer;
    const budgets = [...new Set([...(same.budgets ?? []), ...(layer.budgets ?? [])])];
    byDigest.set(key, { ...same, budgets });
  }
  return [...byDigest.values()];
}

async function pullLayer(
  { descriptor, diffId, budgets = [], source }: LayerJob,
  pool: LayerPool,
  { emit, signal }: PullLayersOptions,
): Promise<void> {
  // A layer that waits for its turn while another one fails must not start.
  signal.throwIfAborted();
  let progress: LayerProgress = { state: "waiting", done: 0, fetched: 0 };
  const advance = (change: Partial<LayerProgress>): void => {
    progress = { ...progress, ...change };
    tell(emit, descriptor, progress);
  };
  const request: Download = {
    descriptor,
    source,
    signal,
    onBytes(count, kept = false) {
      const fetched = progress.fetched + (kept || count < 0 ? 0 : count);
      advance({ done: progress.done + count, fetched });
    },
    onState(state) {
      advance(state === "done" || state === "exists" ? { state, done: descriptor.size } : { state });
    },
  };
  await (diffId === undefined ? pool.keep(request) : pool.ingest({ ...request, diffId, budgets }));
}

interface LayerProgress {
  readonly state: LayerState;
  readonly done: number;
  readonly fetched: number;
}

function tell(emit: Emit, { digest, size: total }: Descriptor, progress: LayerProgress): void {
  emit({ type: "layer", digest, total, ...progress });
}
