import { rm } from "node:fs/promises";
import path from "node:path";
import { PullrunError, StoreError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { deleteEntry, deleteFreeDownload, type DeleteContext } from "./delete-content.js";
import { droppableBlobs } from "./drop-blobs.js";
import { temporaryPrefix, withStoreErrors } from "./files.js";
import type { Content } from "./image-content.js";
import { imageLayers } from "./image-layers.js";
import { diskBytes, takeInventory, type ItemKind, type StoreItem } from "./inventory.js";
import { noteDropped } from "./layers.js";
import type { StorePaths } from "./layout.js";
import { isLocked, withLock } from "./lock.js";
import { neededContent } from "./needed.js";
import { listImages } from "./refs.js";
import { sweepReservations } from "./reservations.js";

export interface PruneOptions {
  /** What containers run on. */
  readonly inUse: Content;
  /** Say what would go, and leave it. */
  readonly dryRun: boolean;
  /** Drop the blobs of unpacked layers too: images keep working, and a pull or `verify --repair` fetches them again. */
  readonly compressed: boolean;
  /** Milliseconds: what changed later than this ago stays. Does not apply to `compressed`. */
  readonly olderThan: number;
}

export interface PrunedItem {
  readonly kind: ItemKind | "compressed" | "container";
  /** As the store names it: hex digits, or a file name. */
  readonly name: string;
  /** On disk. */
  readonly bytes: number;
}

export interface Pruned {
  readonly removed: readonly PrunedItem[];
  /** Unneeded too, but changed too lately. */
  readonly young: readonly PrunedItem[];
}

/**
 * Deletes what no image, no running pull and no container needs: blobs, layers, root file systems, partial downloads,
 * files that dead processes were writing. What somebody holds a lock on and names we do not give are left alone.
 */
export async function prune(context: DeleteContext, options: PruneOptions): Promise<Pruned> {
  const { paths, helper, signal } = context;
  return withStoreErrors("prune", paths.root, () =>
    withLock({ helper, file: paths.lock }, { signal }, async () => {
      if (!options.dryRun) await sweepReservations(context);
      await requireReadable(paths);
      const needed = await neededContent(context, options.inUse);
      const unneeded = (await takeInventory(paths)).filter((item) => !isNeeded(item, needed));
      const latest = Date.now() - options.olderThan;
      const removed: PrunedItem[] = [];
      const young: PrunedItem[] = [];
      for (const item of unneeded.sort(inOrder)) {
        signal?.throwIfAborted();
        const pruned = { kind: item.kind, name: path.basename(item.path), bytes: await diskBytes(item.path) };
        if (item.changed > latest) young.push(pruned);
        else if (await removeItem(context, item, options)) removed.push(pruned);
      }
      const dropped = options.compressed ? await dropCompressed(context, options) : [];
      return { removed: [...removed, ...dropped], young };
    }),
  );
}

/** What a damaged image needs cannot be known, and would all look unneeded. */
async function requireReadable(paths: StorePaths): Promise<void> {
  for (const image of await listImages(paths)) {
    await imageLayers(paths, image).catch((cause: unknown) => {
      if (!(cause instanceof PullrunError)) throw cause;
      const message = `prune: ${printable(image.name)}: the image is damaged: ${printable(cause.message)}`;
      const hint = "repair it with `pullrun verify --repair`, or remove it with `pullrun rmi`";
      throw new StoreError("CORRUPT", message, { cause, hint });
    });
  }
}

function isNeeded(item: StoreItem, needed: Content): boolean {
  switch (item.kind) {
    case "blob":
      return needed.blobs.has(item.digest);
    case "layer":
      return needed.diffIds.has(item.diffId);
    case "rootfs":
      return needed.chainIds.has(item.chainId);
    default:
      return false;
  }
}

/** Root file systems before the layers they stand on, and those before their blobs. */
const order: readonly ItemKind[] = ["rootfs", "layer", "blob", "unpacking", "download", "temporary"];

function inOrder(a: StoreItem, b: StoreItem): number {
  return order.indexOf(a.kind) - order.indexOf(b.kind);
}

/** False for what is in use after all. */
async function removeItem(
  context: DeleteContext,
  item: StoreItem,
  { dryRun }: PruneOptions,
): Promise<boolean> {
  const { paths, helper } = context;
  const lock = lockOf(paths, item);
  if (lock !== undefined && (await isLocked(helper, lock))) return false;
  if (dryRun) return true;
  if (item.kind === "download") return deleteFreeDownload(context, item.path);
  await deleteEntry(context, item.path);
  return true;
}

/** What its user holds while it is used, where that is not a reservation. */
function lockOf(paths: StorePaths, item: StoreItem): string | undefined {
  if (item.kind === "download" || item.kind === "unpacking")
    return path.join(paths.ingest(item.digest), "lock");
  if (path.dirname(item.path) !== paths.rootfs) return undefined;
  const name = path.basename(item.path).replace(temporaryPrefix, "");
  return path.join(paths.rootfs, `.lock-${name}`);
}

async function dropCompressed(context: DeleteContext, { dryRun }: PruneOptions): Promise<PrunedItem[]> {
  const { paths } = context;
  const dropped: PrunedItem[] = [];
  for (const { digest, diffId } of await droppableBlobs(context)) {
    const file = paths.blob(digest);
    dropped.push({ kind: "compressed", name: path.basename(file), bytes: await diskBytes(file) });
    if (dryRun) continue;
    await noteDropped(paths, diffId, digest);
    await rm(file, { force: true });
  }
  return dropped;
}
