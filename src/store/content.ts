import path from "node:path";
import type { ContentSource } from "../core/content-source.js";
import type { Descriptor } from "../core/descriptor.js";
import { isDigest, type Digest } from "../core/digest.js";
import { PullrunError } from "../core/errors.js";
import { limits } from "../core/limits.js";
import { parseManifest } from "../core/manifest.js";
import { parseReference } from "../core/reference.js";
import { blobSize, readBlob, streamBlob, type BlobDirectory } from "./blobs.js";
import { readIndex, type IndexEntry } from "./index-file.js";
import { toImage } from "./refs.js";

export interface ContentOptions {
  /** Repository of entries that are named by a bare tag (`latest`), as skopeo and umoci name them. */
  readonly repository?: string;
}

/**
 * The images of our store, or of any OCI layout, for a registry to serve. Repositories are named without the host
 * they came from: `docker.io/library/busybox:latest` is `library/busybox`, tag `latest`.
 */
export function layoutContent(directory: string, options: ContentOptions = {}): ContentSource {
  const root = path.resolve(directory);
  const layout: BlobDirectory = { blobs: path.join(root, "blobs", "sha256") };
  const named = async (repository: string) =>
    (await readIndex(root)).entries
      .map((entry) => ({ entry, name: nameOf(entry, options) }))
      .filter(({ name }) => name?.repository === repository);
  return {
    async resolve(repository, tagOrDigest) {
      if (isDigest(tagOrDigest)) return describe(layout, tagOrDigest);
      const hit = (await named(repository)).findLast(({ name }) => name?.tag === tagOrDigest);
      return hit === undefined ? undefined : served(layout, hit.entry);
    },
    async open(digest, range) {
      const size = await blobSize(layout, digest);
      if (size === undefined) return undefined;
      return { size, body: streamBlob(layout, digest, range ?? { start: 0 }) };
    },
    async tags(repository) {
      const tags = (await named(repository)).map(({ name }) => name?.tag);
      return [...new Set(tags.filter((tag) => tag !== undefined))];
    },
  };
}

interface ServedName {
  readonly repository: string;
  /** Undefined for an image pulled by digest. */
  readonly tag: string | undefined;
}

function nameOf({ refName }: IndexEntry, { repository }: ContentOptions): ServedName | undefined {
  if (refName === undefined) return undefined;
  if (!/[:/@]/.test(refName)) return repository === undefined ? undefined : { repository, tag: refName };
  try {
    const reference = parseReference(refName);
    return {
      repository: reference.repository,
      tag: reference.digest === undefined ? reference.tag : undefined,
    };
  } catch (error) {
    if (error instanceof PullrunError) return undefined;
    throw error;
  }
}

/** The index a tag stood for where we still have it: the digest a client sees is then the original registry's. */
async function served(layout: BlobDirectory, entry: IndexEntry): Promise<Descriptor | undefined> {
  const image = toImage(entry);
  const original = image === undefined ? undefined : await describe(layout, image.resolved);
  return original ?? entry.descriptor;
}

/** The descriptor of a stored manifest or index; undefined if there is none or it is some other blob. */
async function describe(layout: BlobDirectory, digest: Digest): Promise<Descriptor | undefined> {
  const size = await blobSize(layout, digest);
  if (size === undefined || size > limits.manifestBytes) return undefined;
  try {
    const bytes = await readBlob(layout, { mediaType: "", digest, size }, limits.manifestBytes);
    return { mediaType: parseManifest("image", bytes, undefined).mediaType, digest, size };
  } catch (error) {
    if (error instanceof PullrunError) return undefined;
    throw error;
  }
}
