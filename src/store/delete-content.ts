import { readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { hexOf, type DiffId, type Digest } from "../core/digest.js";
import type { Helper } from "../helper/helper.js";
import type { Privilege } from "../helper/privilege.js";
import { blobSize } from "./blobs.js";
import { temporaryPrefix } from "./files.js";
import type { Content } from "./image-content.js";
import type { StorePaths } from "./layout.js";
import { removeLockDirectory, withFreeLock } from "./lock.js";
import { removeTree } from "./remove-tree.js";

export interface DeleteContext {
  readonly paths: StorePaths;
  readonly helper: Helper;
  readonly privilege: Privilege;
  readonly signal?: AbortSignal | undefined;
}

export interface Removed {
  /** The deleted blobs. */
  readonly blobs: readonly Digest[];
  /** Bytes of the deleted blobs and unpacked layers; root file systems are not counted. */
  readonly bytes: number;
}

/**
 * Deletes what is there of `content`: what is made of layers before the layers, and those before their blobs. Of one
 * kind all at once: a gigabyte takes the kernel a tenth of a second to give back.
 */
export async function deleteContent(context: DeleteContext, content: Content): Promise<Removed> {
  const { paths } = context;
  await deleteRootfs(context, content.chainIds);
  const layers = await Promise.all([...content.diffIds].map((diffId) => deleteLayer(paths, diffId)));
  const blobs = await Promise.all([...content.blobs].map((digest) => deleteBlob(paths, digest)));
  const deleted = blobs.filter((blob) => blob !== undefined);
  const bytes = [...layers, ...deleted.map(({ size }) => size)].reduce((sum, size) => sum + size, 0);
  return { blobs: deleted.map(({ digest }) => digest), bytes };
}

async function deleteBlob(
  paths: StorePaths,
  digest: Digest,
): Promise<{ readonly digest: Digest; readonly size: number } | undefined> {
  const size = await blobSize(paths, digest);
  if (size === undefined) return undefined;
  await rm(paths.blob(digest), { force: true });
  return { digest, size };
}

/** Every form of the chains, whatever privilege and driver made it: `HEX`, `HEX.FLAVOUR`, `HEX.erofs`, the facts beside them. */
async function deleteRootfs(context: DeleteContext, chainIds: ReadonlySet<Digest>): Promise<void> {
  const hexes = new Set([...chainIds].map(hexOf));
  for (const name of await readdir(context.paths.rootfs)) {
    if (hexes.has(name.slice(0, 64))) await deleteRootfsEntry(context, name);
  }
}

/** One directory or file in `rootfs/`. A directory goes out of sight in one step; a later build of the chain sweeps the rest. */
export async function deleteRootfsEntry(context: DeleteContext, name: string): Promise<void> {
  const { rootfs } = context.paths;
  const entry = path.join(rootfs, name);
  const found = await stat(entry).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    await rm(entry, { force: true });
    return;
  }
  const doomed = name.startsWith(temporaryPrefix) ? entry : path.join(rootfs, `${temporaryPrefix}${name}`);
  if (doomed !== entry) {
    await removeTree(doomed, context);
    await rename(entry, doomed);
  }
  await removeTree(doomed, context);
}

/** The bytes it took. Renamed first: half a layer must never be taken for one. */
export async function deleteLayer(paths: StorePaths, diffId: DiffId): Promise<number> {
  const directory = paths.layer(diffId);
  const bytes = await layerBytes(directory);
  const doomed = path.join(paths.layers, `${temporaryPrefix}${hexOf(diffId)}`);
  await rm(doomed, { recursive: true, force: true });
  await rename(directory, doomed).catch(() => undefined);
  await rm(doomed, { recursive: true, force: true });
  return bytes;
}

async function layerBytes(directory: string): Promise<number> {
  const sizes = ["tar", "entries"].map((name) => stat(path.join(directory, name)).then(({ size }) => size));
  const settled = await Promise.allSettled(sizes);
  return settled.reduce((sum, result) => sum + (result.status === "fulfilled" ? result.value : 0), 0);
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
