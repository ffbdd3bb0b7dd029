import type { Context } from "../context.js";
import { volumeFilter } from "./filters.js";
import { volumeUsers } from "./references.js";
import { createVolume, readVolumes, requireVolume, type Volume, type VolumeRequest } from "./volume.js";

export type { Volume, VolumeRequest };

/** Makes a volume, or finds the one of that name. */
export async function makeVolume(context: Context, request: VolumeRequest): Promise<Volume> {
  const { paths } = await context.store({ create: true });
  return createVolume(paths, request);
}

/** By name. @param filters docker's, such as `dangling=true` */
export async function listVolumes(context: Context, filters: readonly string[]): Promise<Volume[]> {
  const fits = volumeFilter(filters);
  const { paths } = await context.store({ create: true });
  const users = await volumeUsers(paths);
  return (await readVolumes(paths)).filter((volume) => fits(volume, users.has(volume.name)));
}

/** @throws StoreError NOT_FOUND */
export async function findVolume(context: Context, name: string): Promise<Volume> {
  const { paths } = await context.store({ create: false });
  return requireVolume(paths, name);
}
