import { chainIds, type DiffId, type Digest } from "../core/digest.js";
import { LayerError, StoreError } from "../core/errors.js";
import type { PullEvent } from "../core/events.js";
import type { Helper } from "../helper/helper.js";
import type { Lower } from "../helper/lower.js";
import type { Privilege } from "../helper/privilege.js";
import { directoriesDriver } from "./directories.js";
import { erofsDriver } from "./erofs.js";
import { erofsProblem } from "./erofs-support.js";
import type { RootfsFacts } from "./facts.js";
import { withStoreErrors } from "./files.js";
import type { StorePaths } from "./layout.js";

/**
 * How a root file system is kept: `erofs` as metadata over the layers' tars (root, and a kernel that takes it),
 * `directories` as files.
 */
export type RootfsDriverName = "erofs" | "directories";

export interface RootfsContext {
  readonly paths: StorePaths;
  readonly helper: Helper;
  readonly privilege: Privilege;
  /** The only driver to use; without it the best one that works here. */
  readonly rootfsDriver?: RootfsDriverName | undefined;
  readonly signal?: AbortSignal | undefined;
  emit?(event: PullEvent): void;
}

/** A root file system ready to be mounted as a container's. */
export interface Rootfs {
  /** What to overlay, top first. */
  readonly lowers: readonly Lower[];
  readonly chainId: Digest;
  readonly facts: RootfsFacts;
}

export interface RootfsDriver {
  /** The root file system if all of it is there. */
  find(context: RootfsContext, diffIds: readonly DiffId[]): Promise<Rootfs | undefined>;
  /** Makes what `find` finds, from the stored layers; complete or not at all, in any number of processes at once. */
  build(context: RootfsContext, diffIds: readonly DiffId[]): Promise<void>;
}

/** What {@link ensureRootfs} made earlier with the same privilege. */
export async function findRootfs(
  context: RootfsContext,
  diffIds: readonly DiffId[],
): Promise<Rootfs | undefined> {
  for (const driver of await driversFor(context)) {
    const found = await driver.find(context, diffIds);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Makes what {@link findRootfs} finds. Images that EROFS cannot hold become directories, with a warning.
 * @throws LayerError, StoreError NOT_FOUND (a layer is not in the store), LaunchError HELPER_FAILED
 */
export async function ensureRootfs(context: RootfsContext, diffIds: readonly DiffId[]): Promise<Rootfs> {
  const chainId = topOf(diffIds);
  const found = await findRootfs(context, diffIds);
  if (found !== undefined) {
    context.emit?.({ type: "rootfs", chainId, state: "exists" });
    return found;
  }
  context.emit?.({ type: "rootfs", chainId, state: "building" });
  await withStoreErrors("root file system", context.paths.rootfs, () => build(context, diffIds));
  const built = await findRootfs(context, diffIds);
  if (built === undefined) {
    throw new StoreError("NOT_FOUND", `root file system: ${chainId}: removed while it was built`, {
      hint: "run the command again",
    });
  }
  context.emit?.({ type: "rootfs", chainId, state: "done" });
  return built;
}

async function build(context: RootfsContext, diffIds: readonly DiffId[]): Promise<void> {
  const [driver, other] = await driversFor(context);
  try {
    await driver.build(context, diffIds);
  } catch (error) {
    const unsuited = error instanceof LayerError && error.code === "UNSUPPORTED_LAYER";
    if (!unsuited || other === undefined) throw error;
    context.emit?.({ type: "warning", message: `unpacking the image into directories: ${error.message}` });
    await other.build(context, diffIds);
  }
}

/** The driver to build with, and what else may be there already or has to do. */
async function driversFor(context: RootfsContext): Promise<readonly [RootfsDriver, ...RootfsDriver[]]> {
  const { privilege, rootfsDriver } = context;
  if (rootfsDriver === "directories") return [directoriesDriver];
  if (rootfsDriver === undefined && privilege.kind !== "root") return [directoriesDriver];
  const tried = (): Promise<string | undefined> =>
    withStoreErrors("root file system", context.paths.rootfs, () => erofsProblem(context));
  const problem = privilege.kind === "root" ? await tried() : "it takes root";
  if (rootfsDriver === undefined) {
    return problem === undefined ? [erofsDriver, directoriesDriver] : [directoriesDriver];
  }
  if (problem === undefined) return [erofsDriver];
  throw new StoreError("STORE_IO", `root file system: erofs is not possible here: ${problem}`, {
    hint: "leave out --rootfs-driver and PULLRUN_ROOTFS_DRIVER: directories do everywhere",
  });
}

function topOf(diffIds: readonly DiffId[]): Digest {
  const top = chainIds(diffIds).at(-1);
  if (top === undefined)
    throw new LayerError("UNSUPPORTED_LAYER", "root file system: the image has no layers");
  return top;
}
