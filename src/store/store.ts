import type { Descriptor } from "../core/descriptor.js";
import type { DiffId, Digest } from "../core/digest.js";
import type { PullEvent } from "../core/events.js";
import type { Reference } from "../core/reference.js";
import type { ContentSource } from "../core/content-source.js";
import type { Helper } from "../helper/helper.js";
import type { Privilege } from "../helper/privilege.js";
import { hasBlob, putBlob, readBlob } from "./blobs.js";
import { layoutContent } from "./content.js";
import { ensureRootfs, findRootfs, readFacts, unpackFlat, type Rootfs } from "./directories.js";
import type { RootfsFacts } from "./facts.js";
import type { IngestRequest } from "./ingest.js";
import { layersSize } from "./layers.js";
import { openLayout, type StorePaths } from "./layout.js";
import { commitImage, findImage, findImagesById, listImages, type StoredImage } from "./refs.js";
import { removeImage, type Removed } from "./remove.js";

/** Images on disk. Every method may run in any number of processes at once; errors are those of the function behind it. */
export interface Store {
  readonly paths: StorePaths;

  images(): Promise<readonly StoredImage[]>;
  find(reference: Reference): Promise<StoredImage | undefined>;
  /** All names of the image with this ID, or unique beginning of an ID. */
  findById(id: string): Promise<readonly StoredImage[]>;

  has(descriptor: Descriptor): Promise<boolean>;
  /** Verified bytes of a small blob. */
  read(descriptor: Descriptor, limit: number): Promise<Uint8Array>;
  /** Stores a manifest or config. */
  put(digest: Digest, bytes: Uint8Array): Promise<void>;
  /** At most `size` worker threads for the layers of one pull; to be closed at its end. */
  openPool(size: number): Promise<LayerPool>;
  /** Makes a pulled image visible. */
  commit(image: StoredImage, signal?: AbortSignal): Promise<void>;
  remove(image: StoredImage, options: RemoveOptions): Promise<Removed>;

  /** What a launch needs to know of the image's files. */
  facts(diffIds: readonly DiffId[]): Promise<RootfsFacts>;
  /** Uncompressed bytes of the layers. */
  layersSize(diffIds: readonly DiffId[]): Promise<number>;
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
  /** Chain IDs of root file systems that containers run on: their images are not removed. */
  readonly inUse?: readonly Digest[];
  readonly signal?: AbortSignal;
}

export interface StoreOptions {
  readonly helper: Helper;
  /** Make the store if it is not there. */
  readonly create: boolean;
  /** The ingest worker's script, if it is not beside this one. */
  readonly worker?: URL;
}

/** @throws StoreError NOT_FOUND, SCHEMA_NEWER, CORRUPT, STORE_IO */
export async function openStore(root: string, { helper, create, worker }: StoreOptions): Promise<Store> {
  const paths = await openLayout(root, { create });
  const context = { paths, helper };
  return {
    paths,
    images: () => listImages(paths),
    find: (reference) => findImage(paths, reference),
    findById: (id) => findImagesById(paths, id),
    has: (descriptor) => hasBlob(paths, descriptor),
    read: (descriptor, limit) => readBlob(paths, descriptor, limit),
    put: (digest, bytes) => putBlob(paths, digest, bytes),
    openPool: (size) => openPool(context, { size, worker }),
    commit: (image, signal) => commitImage({ ...context, signal }, image),
    remove: (image, { inUse = [], ...options }) => removeImage({ ...context, ...options }, image, { inUse }),
    facts: (diffIds) => readFacts(context, diffIds),
    layersSize: (diffIds) => layersSize(paths, diffIds),
    findRootfs: (diffIds, privilege) => findRootfs({ paths, privilege }, diffIds),
    ensureRootfs: (diffIds, options) => ensureRootfs({ ...context, ...options }, diffIds),
    unpackFlat: (diffIds, target, options) => unpackFlat({ ...context, ...options }, diffIds, target),
    content: () => layoutContent(paths.root),
  };
}

async function openPool(
  context: { readonly paths: StorePaths; readonly helper: Helper },
  options: { readonly size: number; readonly worker: URL | undefined },
): Promise<LayerPool> {
  // Loaded here, so that running an image that is already there loads neither zlib nor threads.
  const [{ createPool }, { ingestLayer }] = await Promise.all([import("./pool.js"), import("./ingest.js")]);
  const pool = createPool(options);
  return { ingest: (request) => ingestLayer({ ...context, pool }, request), close: () => pool.close() };
}
