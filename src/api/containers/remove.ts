import path from "node:path";
import { LaunchError, StoreError } from "../../core/errors.js";
import { withFreeLock } from "../../store/lock.js";
import { removeTree } from "../../store/remove-tree.js";
import type { Context } from "../context.js";
import { removeAnonymousVolumes } from "../volumes/remove.js";
import { isUp, readContainer, type Container } from "./container.js";
import { lockFile } from "./directory.js";
import { findDirectory } from "./find.js";
import { nameOf, releaseName } from "./names.js";
import { killAndWait } from "./stop.js";
import { sweepCgroups } from "./sweep-cgroups.js";

export interface RemoveOptions {
  /** End it first if it runs. */
  readonly force: boolean;
  /** And the volumes that were made for it, and have no name. */
  readonly volumes?: boolean;
}

/** Deletes a container, and with it everything it wrote. @throws StoreError NOT_FOUND, LaunchError STILL_RUNNING */
export async function removeContainer(context: Context, word: string, options: RemoveOptions): Promise<void> {
  const directory = await findDirectory(context, word);
  const container = await readContainer(await context.helper(), directory).catch((error: unknown) => {
    if (options.force && error instanceof StoreError && error.code === "CORRUPT") return undefined;
    throw error;
  });
  if (container !== undefined && isUp(container.phase)) {
    if (!options.force) throw stillRunning(container);
    await killAndWait(context, container);
  }
  // A `--rm` container takes them with it whoever ends it.
  const volumes = options.volumes === true || container?.state.autoRemove === true;
  await deleteContainer(context, { directory, container, volumes });
}

interface Deletion {
  readonly directory: string;
  /** Undefined if it cannot be read. */
  readonly container: Container | undefined;
  readonly volumes: boolean;
}

/** @throws LaunchError STILL_RUNNING if it was started meanwhile */
export async function deleteContainer(
  context: Context,
  { directory, container, volumes }: Deletion,
): Promise<void> {
  const helper = await context.helper();
  const privilege = await context.privilege();
  // A supervisor that has just removed it, lock and all, leaves nothing to lock: then this is done already.
  const done = await withFreeLock({ helper, file: lockFile(directory) }, async () => {
    if (container !== undefined) await releaseNameOf(context, container);
    if (volumes) await removeAnonymousVolumes(context, directory);
    if (container !== undefined) await releaseAddressOf(container);
    await sweepCgroups(path.basename(directory));
    const remove = (): Promise<void> => removeTree(directory, { helper, privilege });
    // Again where a start that comes too late has written its plan there while we deleted: its helper makes no directory.
    await remove().catch(remove);
    return true;
  });
  if (done === true || container === undefined) return;
  const now = await readContainer(helper, directory);
  if (now !== undefined) throw stillRunning(now);
}

async function releaseNameOf(context: Context, { id, state }: Container): Promise<void> {
  const { paths } = await context.store({ create: false });
  if (state.name !== undefined) await releaseName(paths, { name: state.name, id });
}

/** One that never started, or is started again and again, still has it. */
async function releaseAddressOf({ id, state }: Container): Promise<void> {
  if (state.network === undefined) return;
  await (await import("../network/release.js")).releaseAddress(state.network.address, id);
}

function stillRunning({ state, phase }: Container): LaunchError {
  const name = nameOf(state);
  return new LaunchError("STILL_RUNNING", `remove: ${name}: the container is ${phase} (expected stopped)`, {
    hint: `stop it first, or: pullrun rm -f ${name}`,
  });
}
