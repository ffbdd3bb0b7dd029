import { rename } from "node:fs/promises";
import { errnoOf, StoreError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import { shortId } from "../../launch/container-id.js";
import { temporaryName } from "../../store/files.js";
import { removeTree } from "../../store/remove-tree.js";
import type { StorePaths } from "../../store/layout.js";
import type { Context } from "../context.js";
import { readReferences, volumeUsers } from "./references.js";
import { requireVolume, volumeDirectory } from "./volume.js";

/**
 * Removes a volume and what is in it. With `force` one that is not there is no error.
 * @returns whether there was one
 * @throws StoreError NOT_FOUND; LOCKED while a container has it, running or not
 */
export async function removeVolume(
  context: Context,
  name: string,
  options: { readonly force?: boolean } = {},
): Promise<boolean> {
  const { paths } = await context.store({ create: false });
  try {
    await requireVolume(paths, name);
    await refuseUsed(paths, name);
    await takeAway(context, paths, name);
    return true;
  } catch (error) {
    if (options.force === true && error instanceof StoreError && error.code === "NOT_FOUND") return false;
    throw error;
  }
}

/** The anonymous volumes of a container, which is about to be removed itself: for `--rm` and `rm -v`. */
export async function removeAnonymousVolumes(context: Context, containerDir: string): Promise<void> {
  const { paths } = await context.store({ create: false });
  for (const { name, anonymous } of await readReferences(containerDir)) {
    // Not of another container, which may have taken it over with --volumes-from.
    const users = (await volumeUsers(paths)).get(name) ?? [];
    if (anonymous && users.length <= 1) await removeDirectory(context, volumeDirectory(paths, name));
  }
}

async function refuseUsed(paths: StorePaths, name: string): Promise<void> {
  const users = (await volumeUsers(paths)).get(name) ?? [];
  if (users.length === 0) return;
  const ids = users.map(shortId).join(", ");
  throw new StoreError("LOCKED", `volume: ${printable(name, 80)}: is in use by container ${ids}`, {
    hint: `remove the container first: pullrun rm ${users.map(shortId).join(" ")}`,
  });
}

/**
 * A container that is being made refers to the volume first and makes sure that it is there second; so here, out of the
 * way first, and back if a reference has come up meanwhile.
 */
async function takeAway(context: Context, paths: StorePaths, name: string): Promise<void> {
  const directory = volumeDirectory(paths, name);
  const aside = temporaryName(paths.volumes);
  await rename(directory, aside);
  try {
    await refuseUsed(paths, name);
  } catch (error) {
    await rename(aside, directory).catch((failure: unknown) => {
      // Made again by that container: this one nobody has.
      if (errnoOf(failure) !== "ENOTEMPTY") throw failure;
    });
    throw error;
  }
  await removeDirectory(context, aside);
}

/** Absent is fine. */
export async function removeDirectory(context: Context, directory: string): Promise<void> {
  const helper = await context.helper();
  await removeTree(directory, { helper, privilege: await context.privilege(), signal: context.signal });
}
