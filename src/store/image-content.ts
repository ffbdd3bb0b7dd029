import type { Descriptor } from "../core/descriptor.js";
import { chainIds, type DiffId, type Digest } from "../core/digest.js";
import { PullrunError } from "../core/errors.js";
import { parseImageConfig } from "../core/image-config.js";
import { limits } from "../core/limits.js";
import { parseManifest, type Manifest } from "../core/manifest.js";
import { isIndex } from "../core/media-types.js";
import { readBlob, type BlobDirectory } from "./blobs.js";

/** Everything in the store that belongs to something in index.json. */
export interface Content {
  readonly blobs: Set<Digest>;
  readonly diffIds: Set<DiffId>;
  readonly chainIds: Set<Digest>;
}

export function emptyContent(): Content {
  return { blobs: new Set(), diffIds: new Set(), chainIds: new Set() };
}

export function addAll(content: Content, more: Content): void {
  for (const digest of more.blobs) content.blobs.add(digest);
  for (const diffId of more.diffIds) content.diffIds.add(diffId);
  for (const chainId of more.chainIds) content.chainIds.add(chainId);
}

export function without(content: Content, excluded: Content): Content {
  return {
    blobs: content.blobs.difference(excluded.blobs),
    diffIds: content.diffIds.difference(excluded.diffIds),
    chainIds: content.chainIds.difference(excluded.chainIds),
  };
}

export function addLayers(content: Content, diffIds: readonly DiffId[]): void {
  for (const diffId of diffIds) content.diffIds.add(diffId);
  for (const chainId of chainIds(diffIds)) content.chainIds.add(chainId);
}

/**
 * Adds to `content` what `descriptor` needs, as far as it is in the store: other tools may put indexes with absent
 * platforms, artifacts and damaged documents there, and those refer to nothing we could use.
 */
export async function addContent(
  directory: BlobDirectory,
  descriptor: Descriptor,
  content: Content,
): Promise<void> {
  await addDocument(directory, descriptor, { content, depth: 0 });
}

async function addDocument(
  directory: BlobDirectory,
  descriptor: Descriptor,
  { content, depth }: { readonly content: Content; readonly depth: number },
): Promise<void> {
  content.blobs.add(descriptor.digest);
  const document = await ifReadable(async () => {
    const bytes = await readBlob(directory, descriptor, limits.manifestBytes);
    return parseManifest("image", bytes, descriptor.mediaType);
  });
  if (document?.kind === "manifest") await addManifest(directory, document, content);
  if (document?.kind !== "index" || depth >= limits.indexDepth) return;
  for (const child of document.manifests) await addDocument(directory, child, { content, depth: depth + 1 });
}

async function addManifest(directory: BlobDirectory, manifest: Manifest, content: Content): Promise<void> {
  content.blobs.add(manifest.config.digest);
  for (const layer of manifest.layers) content.blobs.add(layer.digest);
  const config = await ifReadable(async () =>
    parseImageConfig("image", await readBlob(directory, manifest.config, limits.configBytes)),
  );
  addLayers(content, config?.diffIds ?? []);
}

/** The blobs of an index and the indexes below it, without the images: what a pull by tag stores besides its image. */
export async function addIndexes(
  directory: BlobDirectory,
  descriptor: Descriptor,
  content: Content,
): Promise<void> {
  content.blobs.add(descriptor.digest);
  const document = await ifReadable(async () =>
    parseManifest("image", await readBlob(directory, descriptor, limits.manifestBytes), descriptor.mediaType),
  );
  if (document?.kind !== "index") return;
  for (const child of document.manifests) if (isIndex(child.mediaType)) content.blobs.add(child.digest);
}

async function ifReadable<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof PullrunError) return undefined;
    throw error;
  }
}
