import type { DiffId, Digest } from "../core/digest.js";
import { PullrunError } from "../core/errors.js";
import { imageLayers, type ImageLayer } from "./image-layers.js";
import { takeInventory, type StoreItem } from "./inventory.js";
import { droppedBlobs } from "./layers.js";
import type { StorePaths } from "./layout.js";
import { addImage } from "./needed.js";
import { emptyContent } from "./image-content.js";
import { listImages, type StoredImage } from "./refs.js";
import { checkBlob } from "./verify-blob.js";
import { checkLayer } from "./verify-layer.js";
import { checkIndex, checkLayoutFile } from "./verify-layout.js";
import { checkRootfs, type RootfsCheckContext } from "./verify-rootfs.js";

/** Something in the store that is not as it must be. */
export interface Problem {
  readonly kind: "index" | "layout" | "blob" | "layer" | "entries" | "rootfs";
  /** `missing`: needed and not there. `damaged`: there, and not what its name says. */
  readonly state: "missing" | "damaged";
  /** A digest; for a root file system its name in `rootfs/`; `index.json`, `oci-layout`. */
  readonly object: string;
  /** One line: what was found, and what was expected. */
  readonly message: string;
  /** Names of the images that need it; none for what is left over. */
  readonly images: readonly string[];
}

export interface VerifyOptions {
  /** Only what these images need; everything in the store without it. */
  readonly images?: readonly StoredImage[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What is looked at next. */
  onCheck?(object: string): void;
}

export type VerifyContext = RootfsCheckContext;

export interface Verified {
  readonly problems: readonly Problem[];
  /** How much was read and found good or bad. */
  readonly checked: { readonly blobs: number; readonly layers: number; readonly rootfs: number };
}

/** Reads everything and compares it with its digest, or with what it was made from. Nothing is changed. */
export async function verify(context: VerifyContext, options: VerifyOptions): Promise<Verified> {
  const { paths } = context;
  const index = await checkIndex(paths);
  const problems = [...index, ...(await checkLayoutFile(paths))];
  const known = index.length > 0 ? [] : (options.images ?? (await listImages(paths)));
  const needs = await needsOf(paths, known);
  const items = options.images === undefined ? await takeInventory(paths) : [];
  const blobs = new Set([...needs.blobs.keys(), ...items.flatMap(digestOfBlob)]);
  const diffIds = new Set([...needs.layers.keys(), ...items.flatMap(diffIdOfLayer)]);
  for (const digest of blobs) {
    next(options, digest);
    const message = await checkBlob(paths, digest, needs.sizes.get(digest));
    if (message === undefined || (await isDropped(context, digest, needs))) continue;
    problems.push({ kind: "blob", object: digest, images: needs.blobs.get(digest) ?? [], ...message });
  }
  for (const diffId of diffIds) {
    next(options, diffId);
    const found = await checkLayer(paths, diffId);
    if (found !== undefined)
      problems.push({ object: diffId, images: needs.layers.get(diffId) ?? [], ...found });
  }
  const stacks = needs.stacks.filter(({ diffIds: stack }) => stack.every((id) => isGood(id, problems)));
  const rootfs = await checkRootfs(context, stacks, (object) => next(options, object));
  const checked = { blobs: blobs.size, layers: diffIds.size, rootfs: rootfs.checked };
  return { problems: [...problems, ...rootfs.problems], checked };
}

function next({ signal, onCheck }: VerifyOptions, object: string): void {
  signal?.throwIfAborted();
  onCheck?.(object);
}

/** What images need, each with the names of those images. */
interface Needs {
  readonly blobs: Map<Digest, string[]>;
  /** As the images' documents state them. */
  readonly sizes: Map<Digest, number>;
  readonly layers: Map<DiffId, string[]>;
  readonly layerOf: Map<Digest, DiffId>;
  readonly stacks: { readonly diffIds: readonly DiffId[]; readonly image: string }[];
}

async function needsOf(paths: StorePaths, images: readonly StoredImage[]): Promise<Needs> {
  const needs: Needs = {
    blobs: new Map(),
    sizes: new Map(),
    layers: new Map(),
    layerOf: new Map(),
    stacks: [],
  };
  for (const image of images) {
    const content = emptyContent();
    await addImage(paths, image, content);
    content.blobs.add(image.resolved);
    for (const digest of content.blobs) addName(needs.blobs, digest, image.name);
    needs.sizes.set(image.manifest.digest, image.manifest.size);
    // A damaged document is found as a blob; what else the image needs is known once that is repaired.
    const layers = await imageLayers(paths, image).catch(ifDamaged);
    if (layers !== undefined) addLayers(needs, image, layers);
  }
  return needs;
}

function addLayers(needs: Needs, { name }: StoredImage, layers: readonly ImageLayer[]): void {
  for (const { descriptor, diffId } of layers) {
    needs.sizes.set(descriptor.digest, descriptor.size);
    needs.layerOf.set(descriptor.digest, diffId);
    addName(needs.layers, diffId, name);
  }
  needs.stacks.push({ diffIds: layers.map(({ diffId }) => diffId), image: name });
}

function addName<K>(names: Map<K, string[]>, key: K, name: string): void {
  const list = names.get(key);
  if (list === undefined) names.set(key, [name]);
  else if (!list.includes(name)) list.push(name);
}

function ifDamaged(error: unknown): undefined {
  if (error instanceof PullrunError) return undefined;
  throw error;
}

async function isDropped({ paths }: VerifyContext, digest: Digest, { layerOf }: Needs): Promise<boolean> {
  const diffId = layerOf.get(digest);
  return diffId !== undefined && (await droppedBlobs(paths, diffId)).has(digest);
}

function isGood(diffId: DiffId, problems: readonly Problem[]): boolean {
  return problems.every(({ object }) => object !== diffId);
}

function digestOfBlob(item: StoreItem): Digest[] {
  return item.kind === "blob" ? [item.digest] : [];
}

function diffIdOfLayer(item: StoreItem): DiffId[] {
  return item.kind === "layer" ? [item.diffId] : [];
}
