import { rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { hexOf, type DiffId } from "../core/digest.js";
import type { Helper } from "../helper/helper.js";
import type { Privilege } from "../helper/privilege.js";
import { temporaryPrefix } from "./files.js";
import type { StorePaths } from "./layout.js";
import { removeLockDirectory, withFreeLock } from "./lock.js";
import { removeTree } from "./remove-tree.js";

export interface DeleteContext {
  readonly paths: StorePaths;
  readonly helper: Helper;
  readonly privilege: Privilege;
  readonly signal?: AbortSignal | undefined;
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

/** Renamed first: half a layer must never be taken for one. */
export async function deleteLayer(paths: StorePaths, diffId: DiffId): Promise<void> {
  const doomed = path.join(paths.layers, `${temporaryPrefix}${hexOf(diffId)}`);
  await rm(doomed, { recursive: true, force: true });
  await rename(paths.layer(diffId), doomed).catch(() => undefined);
  await rm(doomed, { recursive: true, force: true });
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
