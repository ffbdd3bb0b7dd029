import { stat, statfs } from "node:fs/promises";
import path from "node:path";
import type { Descriptor } from "../core/descriptor.js";
import type { DiffId } from "../core/digest.js";
import { diskFullHint } from "../core/errno-hints.js";
import { StoreError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { hasBlob } from "./blobs.js";
import { holdsLayer } from "./layers.js";
import type { StorePaths } from "./layout.js";
import { waitForRemovals } from "./wait-for-removals.js";

/** A blob to fetch, and the layer it is if it is to be unpacked. */
export interface WantedBlob {
  readonly descriptor: Descriptor;
  readonly diffId: DiffId | undefined;
}

/**
 * A tar is at least this share of its compressed form: what cannot be compressed grows by less than a thousandth, and
 * the index that zstd:chunked adds to a layer is some hundredths of it.
 */
const leastUnpacked = 0.95;

/** btrfs, ZFS and bcachefs compress what is written: what seems not to fit may. */
const compressing: ReadonlySet<number> = new Set([0x9123683e, 0x2fc12fc1, 0xca451a4e]);

/**
 * Refuses what cannot fit in the store, whatever it unpacks to. What may fit is begun, and stops when the disk is full.
 * @throws StoreError DISK_FULL, before anything is written
 */
export async function requireSpace(paths: StorePaths, wanted: readonly WantedBlob[]): Promise<void> {
  let download = 0;
  let unpacked = 0;
  for (const { descriptor, diffId } of wanted) {
    if (diffId !== undefined && (await holdsLayer(paths, { descriptor, diffId }))) continue;
    if (!(await hasBlob(paths, descriptor))) download += await missingBytes(paths, descriptor);
    if (diffId !== undefined) unpacked += Math.floor(descriptor.size * leastUnpacked);
  }
  const parts = `${megabytes(download)} to download, ${megabytes(unpacked)} or more when unpacked`;
  const check = (): Promise<void> => requireFree("store", paths.root, { bytes: download + unpacked, parts });
  await check().catch(async (error: unknown) => {
    if (!(await waitForRemovals(paths))) throw error;
    await check();
  });
}

/** @throws StoreError DISK_FULL if the file system of `directory` has fewer bytes than that left */
export async function requireFree(
  what: string,
  directory: string,
  {
    bytes,
    parts,
    hint = diskFullHint,
  }: { readonly bytes: number; readonly parts: string; readonly hint?: string },
): Promise<void> {
  const { type, blocks, bavail, bfree, bsize } = await statfs(directory);
  // A tmpfs without a limit says that it has no blocks at all.
  if (blocks === 0 || compressing.has(type)) return;
  const free = (process.geteuid?.() === 0 ? bfree : bavail) * bsize;
  if (bytes <= free) return;
  const need = `${megabytes(free)} free (expected ${megabytes(bytes)}: ${parts})`;
  throw new StoreError("DISK_FULL", `${what}: ${printable(directory)}: ${need}`, {
    hint,
    details: { free, needed: bytes },
  });
}

async function missingBytes(paths: StorePaths, { digest, size }: Descriptor): Promise<number> {
  const kept = await stat(path.join(paths.ingest(digest), "data")).then(
    (found) => found.size,
    () => 0,
  );
  return Math.max(0, size - kept);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
