import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { errnoOf, StoreError } from "../../core/errors.js";
import { temporaryPrefix } from "../../store/files.js";
import { diskBytes } from "../../store/inventory.js";
import type { Context } from "../context.js";
import { volumeFilter } from "./filters.js";
import { volumeUsers } from "./references.js";
import { removeDirectory, removeVolume } from "./remove.js";
import { readVolumes, volumeDirectory } from "./volume.js";

export interface PruneVolumesRequest {
  /** Named ones as well. */
  readonly all: boolean;
  readonly filters: readonly string[];
  /** Milliseconds since 1970. */
  readonly now?: number;
}

export interface PrunedVolumes {
  readonly names: readonly string[];
  readonly bytes: number;
}

/** Younger ones may belong to whoever is making or removing a volume right now. Milliseconds. */
const leftoverMs = 60_000;

/** Removes what no container has: anonymous volumes, and what a crash left of any. */
export async function pruneVolumes(context: Context, request: PruneVolumesRequest): Promise<PrunedVolumes> {
  const fits = volumeFilter(request.filters);
  const { paths } = await context.store({ create: false });
  const users = await volumeUsers(paths);
  const names: string[] = [];
  let bytes = await removeLeftovers(context, paths.volumes, request.now ?? Date.now());
  for (const volume of await readVolumes(paths)) {
    const used = users.has(volume.name);
    if (used || !(volume.anonymous || request.all) || !fits(volume, used)) continue;
    const size = await diskBytes(volumeDirectory(paths, volume.name));
    if (!(await isRemoved(context, volume.name))) continue;
    names.push(volume.name);
    bytes += size;
  }
  return { names, bytes };
}

/** A container may have taken it since we looked. */
async function isRemoved(context: Context, name: string): Promise<boolean> {
  try {
    return await removeVolume(context, name, { force: true });
  } catch (error) {
    if (error instanceof StoreError && error.code === "LOCKED") return false;
    throw error;
  }
}

async function removeLeftovers(context: Context, volumes: string, now: number): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(volumes).catch(noVolumes)) {
    const directory = path.join(volumes, name);
    if (!name.startsWith(temporaryPrefix) || now - (await stat(directory)).ctimeMs < leftoverMs) continue;
    bytes += await diskBytes(directory);
    await removeDirectory(context, directory);
  }
  return bytes;
}

function noVolumes(error: unknown): string[] {
  if (errnoOf(error) === "ENOENT") return [];
  throw error;
}
