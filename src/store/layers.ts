import { statSync } from "node:fs";
import { appendFile, readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { Descriptor } from "../core/descriptor.js";
import type { DiffId, Digest } from "../core/digest.js";
import { errnoOf } from "../core/errors.js";
import { hasBlob } from "./blobs.js";
import type { StorePaths } from "./layout.js";

/** Layer directories appear by rename: one that is there is whole. */
export async function hasLayer(paths: StorePaths, diffId: DiffId): Promise<boolean> {
  return stat(paths.layer(diffId)).then(
    () => true,
    () => false,
  );
}

/** Bytes of the layers' tars together; a layer that is not there counts nothing. */
export function layersSize(paths: StorePaths, diffIds: readonly DiffId[]): number {
  return diffIds.reduce((sum, diffId) => sum + sizeOf(path.join(paths.layer(diffId), "tar")), 0);
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

/**
 * True if an image can count on the layer: it is unpacked, and its blob is there or was dropped on purpose
 * (`prune --compressed`).
 */
export async function holdsLayer(
  paths: StorePaths,
  { descriptor, diffId }: { readonly descriptor: Descriptor; readonly diffId: DiffId },
): Promise<boolean> {
  if (!(await hasLayer(paths, diffId))) return false;
  return (await hasBlob(paths, descriptor)) || (await droppedBlobs(paths, diffId)).has(descriptor.digest);
}

/** The layer's blobs that were dropped on purpose, and may be missing. */
export async function droppedBlobs(paths: StorePaths, diffId: DiffId): Promise<ReadonlySet<string>> {
  const text = await readFile(droppedFile(paths, diffId), "utf8").catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return "";
    throw error;
  });
  return new Set(text.split("\n").filter((line) => line !== ""));
}

/** To be written before the blob is deleted. */
export async function noteDropped(paths: StorePaths, diffId: DiffId, digest: Digest): Promise<void> {
  // Ended by its newline: a line cut short by a crash names nothing.
  await appendFile(droppedFile(paths, diffId), `${digest}\n`, { mode: 0o600, flush: true });
}

/** The blobs are wanted again: the next pull fetches them. */
export async function forgetDropped(paths: StorePaths, diffId: DiffId): Promise<void> {
  await rm(droppedFile(paths, diffId), { force: true });
}

function droppedFile(paths: StorePaths, diffId: DiffId): string {
  return path.join(paths.layer(diffId), "dropped");
}
