import { readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { hexOf, type DiffId, type Digest } from "../core/digest.js";
import { StoreError } from "../core/errors.js";
import { printable } from "../core/text.js";
import type { Helper } from "../helper/helper.js";
import type { Privilege } from "../helper/privilege.js";
import { blobSize } from "./blobs.js";
import { atomicWrite, temporaryPrefix, withIoErrors } from "./files.js";
import { addContent, addIndexes, emptyContent, type Content } from "./image-content.js";
import { encodeIndex, readIndex, type IndexEntry } from "./index-file.js";
import type { StorePaths } from "./layout.js";
import { withLock } from "./lock.js";
import { toImage, type StoredImage } from "./refs.js";
import { removeTree } from "./remove-tree.js";

export interface RemoveContext {
  readonly paths: StorePaths;
  readonly helper: Helper;
  readonly privilege: Privilege;
  readonly signal?: AbortSignal | undefined;
}

export interface Removed {
  /** Blobs that no image needs any more. */
  readonly blobs: readonly Digest[];
  /** Bytes of the deleted blobs and unpacked layers; root file systems are not counted. */
  readonly bytes: number;
}

/**
 * Takes an image's name away and deletes what only that image needed. The name goes first: a removal that is cut
 * short leaves unused data, never an image with holes. Downloads in progress and unknown files are left alone.
 * @param inUse chain IDs of root file systems that containers run on
 * @throws StoreError NOT_FOUND if the name is gone, LOCKED if a container uses what would be deleted
 */
export async function removeImage(
  context: RemoveContext,
  image: StoredImage,
  options: { readonly inUse?: readonly Digest[] } = {},
): Promise<Removed> {
  const { paths, helper, signal } = context;
  return withIoErrors("remove", image.name, () =>
    withLock({ helper, file: paths.lock }, { signal }, async () => {
      const index = await readIndex(paths.root);
      const rest = index.entries.filter(
        (entry) => entry.refName !== image.name || toImage(entry) === undefined,
      );
      if (rest.length === index.entries.length) {
        throw new StoreError("NOT_FOUND", `remove: ${printable(image.name)}: no such image`);
      }
      const unneeded = await contentOnlyOf(paths, image, rest);
      refuseUsed(image, unneeded, options.inUse ?? []);
      await atomicWrite(paths.index, encodeIndex(index, rest));
      return deleteContent(context, unneeded);
    }),
  );
}

async function contentOnlyOf(
  paths: StorePaths,
  image: StoredImage,
  rest: readonly IndexEntry[],
): Promise<Content> {
  const mine = emptyContent();
  await addImage(paths, image, mine);
  const needed = emptyContent();
  for (const entry of rest) {
    const other = toImage(entry);
    if (other !== undefined) await addImage(paths, other, needed);
    else if (entry.descriptor !== undefined) await addContent(paths, entry.descriptor, needed);
  }
  return {
    blobs: without(mine.blobs, needed.blobs),
    diffIds: without(mine.diffIds, needed.diffIds),
    chainIds: without(mine.chainIds, needed.chainIds),
  };
}

function without<T>(all: ReadonlySet<T>, excluded: ReadonlySet<T>): Set<T> {
  return new Set([...all].filter((item) => !excluded.has(item)));
}

async function addImage(paths: StorePaths, image: StoredImage, content: Content): Promise<void> {
  await addContent(paths, image.manifest, content);
  const size = await blobSize(paths, image.resolved);
  if (size === undefined || image.resolved === image.manifest.digest) return;
  await addIndexes(paths, { mediaType: "", digest: image.resolved, size }, content);
}

function refuseUsed(image: StoredImage, unneeded: Content, inUse: readonly Digest[]): void {
  if (!inUse.some((chainId) => unneeded.chainIds.has(chainId))) return;
  throw new StoreError("LOCKED", `remove: ${printable(image.name)}: a running container uses it`, {
    hint: "stop the container first",
  });
}

async function deleteContent(
  context: RemoveContext,
  { blobs, diffIds, chainIds }: Content,
): Promise<Removed> {
  const { paths } = context;
  let bytes = 0;
  await deleteRootfs(context, chainIds);
  for (const diffId of diffIds) bytes += await deleteLayer(paths, diffId);
  const deleted: Digest[] = [];
  for (const digest of blobs) {
    const size = await blobSize(paths, digest);
    if (size === undefined) continue;
    await rm(paths.blob(digest), { force: true });
    deleted.push(digest);
    bytes += size;
  }
  return { blobs: deleted, bytes };
}

/** Every copy of the chains, whatever privilege made it: `HEX`, `HEX.FLAVOUR`, and the facts beside them. */
async function deleteRootfs(context: RemoveContext, chainIds: ReadonlySet<Digest>): Promise<void> {
  const { rootfs } = context.paths;
  const hexes = new Set([...chainIds].map(hexOf));
  for (const name of await readdir(rootfs)) {
    if (!hexes.has(name.slice(0, 64))) continue;
    if (name.endsWith(".json")) {
      await rm(path.join(rootfs, name), { force: true });
      continue;
    }
    // Out of sight in one step, whatever happens to the deletion. A later build of the chain sweeps this name.
    const doomed = path.join(rootfs, `${temporaryPrefix}${name}`);
    await removeTree(doomed, context);
    await rename(path.join(rootfs, name), doomed);
    await removeTree(doomed, context);
  }
}

async function deleteLayer(paths: StorePaths, diffId: DiffId): Promise<number> {
  const directory = paths.layer(diffId);
  const sizes = ["tar", "entries"].map((name) => stat(path.join(directory, name)).then(({ size }) => size));
  const bytes = (await Promise.allSettled(sizes)).map((result) =>
    result.status === "fulfilled" ? result.value : 0,
  );
  await rm(directory, { recursive: true, force: true });
  return bytes.reduce((sum, size) => sum + size, 0);
}
