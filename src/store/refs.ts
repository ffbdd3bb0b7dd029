import type { Descriptor } from "../core/descriptor.js";
import { hexOf, isDigest, type Digest } from "../core/digest.js";
import { PullrunError, StoreError, UsageError } from "../core/errors.js";
import { parseImageConfig } from "../core/image-config.js";
import { limits } from "../core/limits.js";
import { isContainerImage, parseManifest } from "../core/manifest.js";
import { isManifest } from "../core/media-types.js";
import { repositoryOf, type Reference } from "../core/reference.js";
import { printable } from "../core/text.js";
import type { Helper } from "../helper/helper.js";
import { hasBlob, readBlob } from "./blobs.js";
import { atomicWrite } from "./files.js";
import { encodeIndex, readIndex, refNameKey, type IndexEntry } from "./index-file.js";
import { holdsLayer } from "./layers.js";
import type { StorePaths } from "./layout.js";
import { withLock } from "./lock.js";

/** An image in index.json: a name for one platform's manifest. */
export interface StoredImage {
  /** `docker.io/library/busybox:latest`, or `HOST/REPOSITORY@DIGEST` for a pull by digest. */
  readonly name: string;
  readonly manifest: Descriptor;
  /** What the name meant at the registry: the manifest's own digest, or that of an index around it. */
  readonly resolved: Digest;
  /** ISO 8601. */
  readonly pulled?: string;
}

export interface RefContext {
  readonly paths: StorePaths;
  readonly helper: Helper;
  readonly signal?: AbortSignal | undefined;
}

const resolvedKey = "dev.pullrun.resolved";
const pulledKey = "dev.pullrun.pulled";

/** The name an image pulled as `reference` has in the store; where a digest is given, it decides and the tag is dropped. */
export function imageName(reference: Reference): string {
  const { tag, digest } = reference;
  return digest === undefined ? `${repositoryOf(reference)}:${tag}` : `${repositoryOf(reference)}@${digest}`;
}

/** All images pullrun put there, in order of their pull. Entries of other tools are not images of ours. */
export async function listImages({ root }: StorePaths): Promise<StoredImage[]> {
  return (await readIndex(root)).entries.map(toImage).filter((image) => image !== undefined);
}

/** By name; a digest finds whatever was pulled from that repository with that manifest or index digest. */
export async function findImage(paths: StorePaths, reference: Reference): Promise<StoredImage | undefined> {
  const images = await listImages(paths);
  const { digest } = reference;
  if (digest === undefined) return images.find((image) => image.name === imageName(reference));
  const repository = repositoryOf(reference);
  return images.find(
    (image) =>
      repositoryOfName(image.name) === repository &&
      (image.resolved === digest || image.manifest.digest === digest),
  );
}

/**
 * All names of the image whose ID (digest of its config) is `id` or begins with it; empty if there is none.
 * @throws UsageError BAD_REFERENCE if several images fit
 */
export async function findImagesById(paths: StorePaths, id: string): Promise<StoredImage[]> {
  const hex = id.startsWith("sha256:") ? id.slice("sha256:".length) : id;
  if (!/^[0-9a-f]{1,64}$/.test(hex)) return [];
  const found = new Map<Digest, StoredImage[]>();
  for (const image of await listImages(paths)) {
    const config = await configDigest(paths, image);
    if (hexOf(config).startsWith(hex)) found.set(config, [...(found.get(config) ?? []), image]);
  }
  if (found.size > 1) {
    const hint = `it could be ${[...found.keys()].map((digest) => hexOf(digest).slice(0, 12)).join(" or ")}`;
    throw new UsageError(
      "BAD_REFERENCE",
      `image ID: ${printable(id, 80)}: ${found.size} images begin like this`,
      { hint },
    );
  }
  return [...found.values()].flat();
}

/**
 * Makes an image visible under `image.name`, replacing what had that name. The last step of a pull.
 * @throws StoreError NOT_FOUND if part of the image is not (or, after a concurrent `rmi`, no longer) in the store
 */
export async function commitImage(context: RefContext, image: StoredImage): Promise<void> {
  const raw = toRaw(image);
  await updateIndex(context, async (entries) => {
    await requireComplete(context.paths, image);
    return [...entries.filter((entry) => entry.refName !== image.name), { raw }];
  });
}

/** Rewrites index.json under the store's lock; whatever else is in it stays as it is. */
export async function updateIndex(
  { paths, helper, signal }: RefContext,
  change: (entries: readonly IndexEntry[]) => Promise<readonly { readonly raw: unknown }[]>,
): Promise<void> {
  await withLock({ helper, file: paths.lock }, { signal }, async () => {
    const index = await readIndex(paths.root);
    await atomicWrite(paths.index, encodeIndex(index, await change(index.entries)));
  });
}

/** Undefined for entries that are not ours. */
export function toImage({ descriptor, refName }: IndexEntry): StoredImage | undefined {
  if (descriptor === undefined || refName === undefined || !isManifest(descriptor.mediaType))
    return undefined;
  const { annotations, ...manifest } = descriptor;
  const resolved = annotations?.[resolvedKey];
  if (resolved === undefined || !isDigest(resolved)) return undefined;
  const pulled = annotations?.[pulledKey];
  return { name: refName, manifest, resolved, ...(pulled === undefined ? {} : { pulled }) };
}

function toRaw({ name, manifest, resolved, pulled }: StoredImage): Descriptor {
  const { mediaType, digest, size, platform } = manifest;
  const time = pulled === undefined ? {} : { [pulledKey]: pulled };
  const annotations = { [refNameKey]: name, [resolvedKey]: resolved, ...time };
  return { mediaType, digest, size, ...(platform === undefined ? {} : { platform }), annotations };
}

function repositoryOfName(name: string): string {
  const end = name.includes("@") ? name.indexOf("@") : name.lastIndexOf(":");
  return name.slice(0, end);
}

async function readManifest(paths: StorePaths, { name, manifest }: StoredImage) {
  const document = parseManifest(
    name,
    await readBlob(paths, manifest, limits.manifestBytes),
    manifest.mediaType,
  );
  if (document.kind === "manifest") return document;
  throw new StoreError("CORRUPT", `image: ${printable(name)}: its manifest is an index`);
}

async function configDigest(paths: StorePaths, image: StoredImage): Promise<Digest> {
  return (await readManifest(paths, image)).config.digest;
}

/** Whether everything of it is in the store: documents and layers. */
export async function isComplete(paths: StorePaths, image: StoredImage): Promise<boolean> {
  try {
    await requireComplete(paths, image);
    return true;
  } catch (error) {
    if (error instanceof PullrunError) return false;
    throw error;
  }
}

async function requireComplete(paths: StorePaths, image: StoredImage): Promise<void> {
  const manifest = await readManifest(paths, image);
  const bytes = await readBlob(paths, manifest.config, limits.configBytes);
  const config = isContainerImage(manifest) ? parseImageConfig(image.name, bytes) : undefined;
  const checks = manifest.layers.map(async (descriptor, i) => {
    const { digest } = descriptor;
    if (config === undefined) return { digest, ok: await hasBlob(paths, descriptor) };
    const diffId = config.diffIds[i];
    return { digest, ok: diffId !== undefined && (await holdsLayer(paths, { descriptor, diffId })) };
  });
  const missing = (await Promise.all(checks)).find((check) => !check.ok);
  if (missing === undefined) return;
  throw new StoreError(
    "NOT_FOUND",
    `image: ${printable(image.name)}: ${missing.digest} is not in the store`,
    {
      hint: "another process may have removed it meanwhile: run the command again",
    },
  );
}
