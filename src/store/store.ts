import type { Descriptor } from "../core/descriptor.js";
import type { DiffId, Digest } from "../core/digest.js";
import type { PullEvent } from "../core/events.js";
import type { Reference } from "../core/reference.js";
import type { ContentSource } from "../core/content-source.js";
import type { Helper } from "../helper/helper.js";
import type { Privilege } from "../helper/privilege.js";
import { hasBlob, readBlob } from "./blobs.js";
import { layoutContent } from "./content.js";
import type { Download } from "./download.js";
import type { RootfsFacts } from "./facts.js";
import type { Content } from "./image-content.js";
import type { Pruned, PruneOptions } from "./gc.js";
import type { DocumentRequest } from "./ingest-document.js";
import type { IngestRequest } from "./ingest.js";
import { layersSize } from "./layers.js";
import { openLayout, type StorePaths } from "./layout.js";
import { commitImage, findImage, findImagesById, isComplete, listImages, type StoredImage } from "./refs.js";
import type { RemovalOptions, Removed } from "./remove.js";
import type { Reservation } from "./reservations.js";
import { ensureRootfs, findRootfs, type Rootfs, type RootfsDriverName } from "./rootfs.js";
import type { Problem, Verified, VerifyOptions } from "./verify.js";

/** Images on disk. Every method may run in any number of processes at once; errors are those of the function behind it. */
export interface Store {
  readonly paths: StorePaths;

  images(): Promise<readonly StoredImage[]>;
  find(reference: Reference): Promise<StoredImage | undefined>;
  /** All names of the image with this ID, or unique beginning of an ID. */
  findById(id: string): Promise<readonly StoredImage[]>;

  has(descriptor: Descriptor): Promise<boolean>;
  /** Whether the documents and layers of an image are there. */
  isComplete(image: StoredImage): Promise<boolean>;
  /** Verified bytes of a small blob. */
  read(descriptor: Descriptor, limit: number): Promise<Uint8Array>;
  /** A config, from here or fetched, once for all processes that want it now; visible after {@link Store.put}. */
  document(request: DocumentRequest): Promise<Uint8Array>;
  /** Stores a manifest or config. */
  put(digest: Digest, bytes: Uint8Array): Promise<void>;
  /** At most `size` worker threads for the layers of one pull; to be closed at its end. */
  openPool(size: number): Promise<LayerPool>;
  /** Keeps others from deleting what a pull counts on, until it has committed its image or given up. */
  reserve(content: Content, signal?: AbortSignal): Promise<Reservation>;
  /** Deletes what a refused pull stored and nothing else needs. */
  discard(content: Content, options: DiscardOptions): Promise<Removed>;
  /** Makes a pulled image visible. */
  commit(image: StoredImage, signal?: AbortSignal): Promise<void>;
  remove(image: StoredImage, options: RemoveOptions & RemovalOptions): Promise<Removed>;
  /** Deletes what nothing needs. */
  prune(options: PruneOptions & DiscardOptions): Promise<Pruned>;
  /** Reads everything and says what is missing or damaged. */
  verify(options: VerifyOptions & { readonly privilege: Privilege }): Promise<Verified>;
  /** Takes away what is damaged; rebuilds what the store alone can. */
  clearDamage(problem: Problem, options: RemoveOptions): Promise<void>;

  /** What a launch needs to know of the image's files. */
  facts(diffIds: readonly DiffId[]): Promise<RootfsFacts>;
  /** Uncompressed bytes of the layers. */
  layersSize(diffIds: readonly DiffId[]): number;
  /** The warm path: what `ensureRootfs` made earlier with the same privilege. */
  findRootfs(diffIds: readonly DiffId[], privilege: Privilege): Promise<Rootfs | undefined>;
  ensureRootfs(diffIds: readonly DiffId[], options: RootfsOptions): Promise<Rootfs>;
  /** The whole tree as plain files in `target`, a new or empty directory. */
  unpackFlat(
    diffIds: readonly DiffId[],
    target: string,
    options: RootfsOptions,
  ): Promise<{ readonly facts: RootfsFacts }>;

  /** What `pullrun serve` serves. */
  content(): ContentSource;
}

export interface LayerPool {
  /** See `ingestLayer`. */
  ingest(request: IngestRequest): Promise<void>;
  /** See `ingestBlob`. */
  keep(request: Download): Promise<void>;
  /** Stops the threads. */
  close(): Promise<void>;
}

export interface RootfsOptions {
  readonly privilege: Privilege;
  readonly signal?: AbortSignal;
  emit?(event: PullEvent): void;
}

export interface RemoveOptions {
  readonly privilege: Privilege;
  /** What containers run on: their images are not removed. */
  readonly inUse?: Content;
  readonly signal?: AbortSignal;
}

export type DiscardOptions = RemoveOptions & { readonly inUse: Content };

export interface StoreOptions {
  readonly helper: Helper;
  /** Make the store if it is not there. */
  readonly create: boolean;
  /** The only driver for root file systems; without it the best one that works here. */
  readonly rootfsDriver?: RootfsDriverName | undefined;
  /** The ingest worker's script, if it is not beside this one. */
  readonly worker?: URL;
}

/** @throws StoreError NOT_FOUND, SCHEMA_NEWER, CORRUPT, STORE_IO */
export async function openStore(root: string, options: StoreOptions): Promise<Store> {
  const { helper, create, worker, rootfsDriver } = options;
  const paths = await openLayout(root, { create });
  const context = { paths, helper };
  return {
    paths,
    images: () => listImages(paths),
    find: (reference) => findImage(paths, reference),
    findById: (id) => findImagesById(paths, id),
    has: (descriptor) => hasBlob(paths, descriptor),
    isComplete: (image) => isComplete(paths, image),
    read: (descriptor, limit) => readBlob(paths, descriptor, limit),
    async document(request) {
      const { ingestDocument } = await import("./ingest-document.js");
      return ingestDocument(context, request);
    },
    async put(digest, bytes) {
      const { settleDocument } = await import("./ingest-document.js");
      return settleDocument(context, digest, bytes);
    },
    openPool: (size) => openPool(context, { size, worker }),
    commit: (image, signal) => commitImage({ ...context, signal }, image),
    // Loaded when asked for: the warm path of `run` does without.
    async reserve(content, signal) {
      const { reserve } = await import("./reservations.js");
      return reserve({ ...context, signal }, content);
    },
    async discard(content, options) {
      const { discardContent } = await import("./remove.js");
      return discardContent({ ...context, ...options }, content, options);
    },
    async remove(image, options) {
      const { removeImage } = await import("./remove.js");
      return removeImage({ ...context, ...options }, image, options);
    },
    async prune(options) {
      const { prune } = await import("./gc.js");
      return prune({ ...context, ...options }, options);
    },
    async verify(options) {
      const { verify } = await import("./verify.js");
      return verify({ ...context, ...options }, options);
    },
    async clearDamage(problem, options) {
      const { clearDamage } = await import("./repair.js");
      return clearDamage({ ...context, ...options }, problem);
    },
    async facts(diffIds) {
      const { readFacts } = await import("./directories-build.js");
      return readFacts(context, diffIds);
    },
    layersSize: (diffIds) => layersSize(paths, diffIds),
    findRootfs: (diffIds, privilege) => findRootfs({ ...context, rootfsDriver, privilege }, diffIds),
    ensureRootfs: (diffIds, options) => ensureRootfs({ ...context, rootfsDriver, ...options }, diffIds),
    async unpackFlat(diffIds, target, options) {
      const { unpackFlat } = await import("./directories-build.js");
      return unpackFlat({ ...context, ...options }, diffIds, target);
    },
    content: () => layoutContent(paths.root),
  };
}

async function openPool(
  context: { readonly paths: StorePaths; readonly helper: Helper },
  options: { readonly size: number; readonly worker: URL | undefined },
): Promise<LayerPool> {
  // Loaded here, so that running an image that is already there loads neither zlib nor threads.
  const [{ createPool }, { ingestLayer }, { createWriteback }] = await Promise.all([
    import("./pool.js"),
    import("./ingest.js"),
    import("./writeback.js"),
  ]);
  const pool = createPool(options);
  const writeback = createWriteback();
  return {
    ingest: (request) => ingestLayer({ ...context, pool, writeback }, request),
    async keep(request) {
      const { ingestBlob } = await import("./ingest-blob.js");
      return ingestBlob(context, request);
    },
    close: () => pool.close(),
  };
}
