import { lstat, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { hexOf, type Digest } from "../core/digest.js";
import { errnoOf } from "../core/errors.js";
import { blobSize } from "./blobs.js";
import { temporaryName } from "./files.js";
import type { Content } from "./image-content.js";
import { layersSize } from "./layers.js";
import type { StorePaths } from "./layout.js";
import { removeLockDirectory, withFreeLock } from "./lock.js";
import { beginRemoving, removeTree, type RemovalContext } from "./remove-tree.js";

export interface DeleteContext extends RemovalContext {
  readonly paths: StorePaths;
}

export interface Removed {
  /** The deleted blobs. */
  readonly blobs: readonly Digest[];
  /** Bytes of the deleted blobs and tars; entry tables and root file systems are not counted. */
  readonly bytes: number;
}

/** What is less takes the kernel some hundredths of a second to give back; of more, see docs/adr/0022. */
const backgroundBytes = 64 * 1024 * 1024;

/**
 * Deletes what is there of `content`. It loses its names first: what is made of layers before the layers, and those
 * before their blobs. The space of much is given back after we have returned, by a process of its own; if that one is
 * killed, `prune` does it.
 */
export async function deleteContent(context: DeleteContext, content: Content): Promise<Removed> {
  const { paths } = context;
  const layers = [...content.diffIds];
  const blobs = await presentBlobs(paths, content.blobs);
  const bytes = blobs.reduce((sum, { size }) => sum + size, layersSize(paths, layers));
  const doomed = await takeAway([
    ...(await rootfsOf(paths, content.chainIds)),
    ...layers.map((diffId) => paths.layer(diffId)),
    ...blobs.map(({ digest }) => paths.blob(digest)),
  ]);
  if (bytes > backgroundBytes) await beginRemoving(doomed, context);
  else for (const entry of doomed) await removeEntry(entry, context);
  return { blobs: blobs.map(({ digest }) => digest), bytes };
}

interface PresentBlob {
  readonly digest: Digest;
  readonly size: number;
}

async function presentBlobs(paths: StorePaths, digests: ReadonlySet<Digest>): Promise<PresentBlob[]> {
  const blobs = [...digests].map(async (digest) => ({ digest, size: await blobSize(paths, digest) }));
  return (await Promise.all(blobs)).filter((blob): blob is PresentBlob => blob.size !== undefined);
}

/**
 * Every form of the chains, whatever privilege and driver made it: `HEX`, `HEX.FLAVOUR`, `HEX.erofs`, the facts beside
 * them.
 */
async function rootfsOf({ rootfs }: StorePaths, chainIds: ReadonlySet<Digest>): Promise<string[]> {
  const hexes = new Set([...chainIds].map(hexOf));
  const names = await readdir(rootfs);
  return names.filter((name) => hexes.has(name.slice(0, 64))).map((name) => path.join(rootfs, name));
}

/**
 * Gives each a new temporary name, beside its old one: on a full disk there is no room for a directory to collect them
 * in. Returns the new names; what is gone already has none.
 */
async function takeAway(entries: readonly string[]): Promise<string[]> {
  const taken: string[] = [];
  for (const entry of entries) {
    const to = temporaryName(path.dirname(entry));
    try {
      await rename(entry, to);
      taken.push(to);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
    }
  }
  return taken;
}

/** Deletes a blob, a layer or what is in `rootfs/`, in the same way: half of one must never be taken for it. */
export async function deleteEntry(context: DeleteContext, entry: string): Promise<void> {
  for (const doomed of await takeAway([entry])) await removeEntry(doomed, context);
}

/** Trees below `rootfs/` have files of other owners; what else there is, is ours. */
async function removeEntry(entry: string, context: DeleteContext): Promise<void> {
  const isTree = path.dirname(entry) === context.paths.rootfs && (await lstat(entry)).isDirectory();
  if (isTree) await removeTree(entry, context);
  else await rm(entry, { recursive: true, force: true });
}

/** A download nobody is at work on; false for any other. */
export async function deleteFreeDownload(
  { helper }: Pick<DeleteContext, "helper">,
  directory: string,
): Promise<boolean> {
  const file = path.join(directory, "lock");
  const done = await withFreeLock({ helper, file }, async () => {
    await rm(path.join(directory, "data"), { force: true });
    await removeLockDirectory(file);
    return true;
  });
  return done ?? false;
}
