import { chmod, mkdir, open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { BlobSource } from "../core/blobs.js";
import type { Descriptor } from "../core/descriptor.js";
import { hexOf, type DiffId } from "../core/digest.js";
import { errnoOf, IntegrityError, LayerError } from "../core/errors.js";
import { interruption, throwIfAborted } from "../core/interruption.js";
import type { LayerState } from "../core/events.js";
import { limits } from "../core/limits.js";
import type { Helper } from "../helper/helper.js";
import { hasBlob } from "./blobs.js";
import { download } from "./download.js";
import { syncDirectory, syncFile, withStoreErrors } from "./files.js";
import { createProgress, type IngestJob } from "./ingest-protocol.js";
import { holdsLayer, layersSize } from "./layers.js";
import type { StorePaths } from "./layout.js";
import { removeLockDirectory, withLock } from "./lock.js";
import type { IngestPool } from "./pool.js";
import { openAccount, type UnpackBudget } from "./unpack-budget.js";
import type { Writeback } from "./writeback.js";

export interface IngestContext {
  readonly paths: StorePaths;
  readonly helper: Helper;
  readonly pool: IngestPool;
  readonly writeback: Writeback;
}

export interface IngestRequest {
  readonly descriptor: Descriptor;
  readonly diffId: DiffId;
  /** Of the images the layer is part of; a layer that is there already counts too. */
  readonly budgets?: readonly UnpackBudget[];
  readonly source: BlobSource;
  readonly signal: AbortSignal;
  /**
   * Bytes newly there: at once those of an earlier, interrupted download, marked `kept`; negative if bad ones are
   * thrown away.
   */
  onBytes(count: number, kept?: boolean): void;
  onState(state: LayerState): void;
}

/** A smaller blob, and its tar, take no time to be synced at the end. */
const writebackBytes = 8 * 1024 * 1024;

/** A free lock is ours within some milliseconds; after this long somebody else holds it. */
const freeLockMs = 250;

/**
 * Puts a layer into the store: the blob as received, its tar, its entry table. Resolves only once all three are
 * verified, durable and visible; safe to call twice, from any number of processes. After an abort or a kill the bytes
 * that arrived stay and the next call goes on from there. Wrong bytes are fetched anew once (a cache in between may
 * have spoiled them), then refused.
 * @throws IntegrityError, LayerError: nothing of the layer stays in the store; AbortError, StoreError; what `source` throws
 */
export async function ingestLayer(context: IngestContext, request: IngestRequest): Promise<void> {
  if (await holdsLayer(context.paths, request)) return takeStored(context, request);
  const directory = context.paths.ingest(request.descriptor.digest);
  const lock = { helper: context.helper, file: path.join(directory, "lock") };
  const told = setTimeout(() => request.onState("elsewhere"), freeLockMs);
  try {
    await withStoreErrors("layer", directory, () =>
      withLock(lock, { signal: request.signal, makeDirectory: true }, () => {
        clearTimeout(told);
        return ingestLocked(context, request, directory);
      }),
    );
  } finally {
    clearTimeout(told);
  }
}

async function takeStored({ paths }: IngestContext, request: IngestRequest): Promise<void> {
  const { descriptor, diffId, budgets = [] } = request;
  if (budgets.length > 0)
    openAccount(`layer ${descriptor.digest}`, budgets).spend(layersSize(paths, [diffId]));
  request.onState("exists");
}

async function ingestLocked(
  context: IngestContext,
  request: IngestRequest,
  directory: string,
): Promise<void> {
  if (await holdsLayer(context.paths, request)) {
    await removeDownload(directory);
    return takeStored(context, request);
  }
  // Named by the blob too: recompressed twins of a layer hold different locks.
  const unpacked = `${context.paths.layer(request.diffId)}.tmp-${hexOf(request.descriptor.digest)}`;
  const files: WorkFiles = { data: path.join(directory, "data"), unpacked };
  try {
    await unpackTwice(context, request, files);
    request.onState("storing");
    await publish(context.paths, request, files);
    await removeDownload(directory);
    request.onState("done");
  } catch (error) {
    if (error instanceof IntegrityError || error instanceof LayerError) await removeDownload(directory);
    throw error;
  } finally {
    await rm(unpacked, { recursive: true, force: true });
  }
}

/** Only for who holds the lock in there. */
export async function removeDownload(directory: string): Promise<void> {
  await rm(path.join(directory, "data"), { force: true });
  await removeLockDirectory(path.join(directory, "lock"));
}

interface WorkFiles {
  /** The blob while it arrives. */
  readonly data: string;
  /** The layer directory while it is made. */
  readonly unpacked: string;
}

/** Unpacks the blob that is there, else the one that arrives, giving wrong bytes one more chance. */
async function unpackTwice(context: IngestContext, request: IngestRequest, files: WorkFiles): Promise<void> {
  const { paths } = context;
  const blob = paths.blob(request.descriptor.digest);
  if (await hasBlob(paths, request.descriptor)) {
    request.onState("verifying");
    const isGood = await isRight(unpack(context, request, { ...files, data: blob }));
    if (isGood) return;
    await rm(blob, { force: true });
  }
  request.onState("downloading");
  if (await isRight(unpack(context, request, { ...files, arrive: download }))) return;
  request.onBytes(-(await sizeOf(files.data)));
  await rm(files.data, { force: true });
  await unpack(context, request, { ...files, arrive: download });
}

/** False if the bytes are not the ones the descriptor names, which another copy may cure. */
async function isRight(unpacking: Promise<void>): Promise<boolean> {
  try {
    await unpacking;
    return true;
  } catch (error) {
    if (error instanceof IntegrityError && error.code !== "DIFF_ID_MISMATCH") return false;
    throw error;
  }
}

/** Lets a worker follow the blob, while what is missing of it arrives. The first failure ends both and is thrown. */
async function unpack(
  context: IngestContext,
  request: IngestRequest,
  files: WorkFiles & { readonly arrive?: typeof download },
): Promise<void> {
  const { descriptor, diffId, budgets = [], signal } = request;
  await rm(files.unpacked, { recursive: true, force: true });
  await mkdir(files.unpacked, { mode: 0o700 });
  if (files.arrive !== undefined) await openForAppending(files.data);
  const progress = createProgress();
  const stop = new AbortController();
  const fail = (error: unknown): void => {
    stop.abort(error);
    progress.abort();
  };
  const onAbort = (): void => fail(interruption(signal));
  throwIfAborted(signal);
  signal.addEventListener("abort", onAbort, { once: true });
  const job: IngestJob = {
    data: files.data,
    size: descriptor.size,
    digest: descriptor.digest,
    diffId,
    output: files.unpacked,
    limits: { tarBytes: limits.layerTarBytes, entries: limits.layerEntries },
    budgets,
    progress: progress.shared,
  };
  if (files.arrive === undefined) progress.written(descriptor.size);
  const arriving = files.arrive?.({ ...request, signal: stop.signal }, files.data, progress);
  const growing = descriptor.size < writebackBytes ? [] : [files.data, path.join(files.unpacked, "tar")];
  const followed = growing.map((file) => context.writeback.follow(file));
  await Promise.allSettled([arriving?.catch(fail), context.pool.run(job).catch(fail)]);
  for (const leave of followed) leave();
  signal.removeEventListener("abort", onAbort);
  if (stop.signal.aborted) throw stop.signal.reason;
}

/** A process that died while it published the blob has left it read-only. */
export async function openForAppending(file: string): Promise<void> {
  await chmod(file, 0o600).catch((error: unknown) => {
    if (errnoOf(error) !== "ENOENT") throw error;
  });
  await (await open(file, "a", 0o600)).close();
}

/** Blob first: a layer without its blob would make the layout invalid, a blob without its layer is unpacked again. */
async function publish(paths: StorePaths, request: IngestRequest, files: WorkFiles): Promise<void> {
  const layer = paths.layer(request.diffId);
  await publishBlob(paths, request.descriptor, files.data);
  // Here, not in the worker: while the disk works, that one goes on with the next layer.
  for (const name of ["tar", "entries"]) await syncFile(path.join(files.unpacked, name));
  await syncDirectory(files.unpacked);
  await rename(files.unpacked, layer).catch((error: unknown) => {
    // Another blob with the same content was faster; its layer is as good.
    if (errnoOf(error) !== "ENOTEMPTY" && errnoOf(error) !== "EEXIST") throw error;
  });
  await syncDirectory(paths.layers);
}

/** `file` becomes the blob, unless that is there. */
export async function publishBlob(paths: StorePaths, descriptor: Descriptor, file: string): Promise<void> {
  if (await hasBlob(paths, descriptor)) return;
  await chmod(file, 0o444);
  await rename(file, paths.blob(descriptor.digest));
  await syncDirectory(paths.blobs);
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    (found) => found.size,
    () => 0,
  );
}
