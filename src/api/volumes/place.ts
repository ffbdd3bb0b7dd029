import { stat } from "node:fs/promises";
import { errnoText } from "../../core/errno-hints.js";
import { errnoOf, LaunchError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import { makeDirectories } from "../../store/files.js";
import { checkMounts } from "../../launch/mount-checks.js";
import { containerMounts, type PlacedMount } from "../../launch/mounts.js";
import { findDevices } from "../../launch/devices.js";
import type { BindMount, DeviceRequest, FileMount, VolumeMount } from "../../launch/options/files.js";
import type { Context } from "../context.js";
import { readReferences, writeReferences, type VolumeReference } from "./references.js";
import { createVolume, randomVolumeName, volumeDirectory } from "./volume.js";

export interface PlaceRequest {
  readonly mounts: readonly FileMount[];
  readonly devices?: readonly DeviceRequest[];
  /** The image's VOLUMEs. */
  readonly imageVolumes: readonly string[];
  /** Absolute. Started again, a container has the same anonymous volumes. */
  readonly containerDir: string;
}

/**
 * The mounts of a container that is about to start, their sources there: volumes are made, and directories for `-v`.
 * @throws UsageError BAD_VALUE; LaunchError BAD_MOUNT, BAD_IMAGE; StoreError STORE_IO
 */
export async function placeMounts(context: Context, request: PlaceRequest): Promise<PlacedMount[]> {
  const { containerDir } = request;
  checkMounts(request.mounts);
  const devices = findDevices(request.devices ?? []);
  const mounts = containerMounts(request.mounts, request.imageVolumes);
  const references = await refer(mounts, containerDir);
  const placed: PlacedMount[] = [];
  for (const mount of mounts) {
    if (mount.type === "bind") await requireSource(mount);
    const reference = references.find(({ target }) => target === mount.target);
    if (mount.type !== "volume" || reference === undefined) placed.push(mount as PlacedMount);
    else placed.push(await placeVolume(context, mount, reference));
  }
  return [...placed, ...devices];
}

/** Written before the volumes are made: whoever removes one looks for references after it is out of the way. */
async function refer(
  mounts: readonly FileMount[],
  containerDir: string,
): Promise<readonly VolumeReference[]> {
  const known = await readReferences(containerDir);
  const references = mounts.flatMap((mount): VolumeReference[] => {
    if (mount.type !== "volume") return [];
    const { target, name } = mount;
    if (name !== undefined) return [{ target, name, anonymous: false }];
    const earlier = known.find((reference) => reference.target === target && reference.anonymous);
    return [earlier ?? { target, name: randomVolumeName(), anonymous: true }];
  });
  if (references.length > 0) await writeReferences(containerDir, references);
  return references;
}

async function placeVolume(
  context: Context,
  mount: VolumeMount,
  { name, anonymous }: VolumeReference,
): Promise<PlacedMount> {
  const { paths } = await context.store({ create: true });
  await createVolume(paths, { name, anonymous, labels: mount.labels ?? {} });
  return { ...mount, name, anonymous, directory: volumeDirectory(paths, name) };
}

async function requireSource({ source, createSource }: BindMount): Promise<void> {
  try {
    await stat(source);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT" || createSource !== true) throw noSource(source, error);
    await makeDirectories(source, 0o755).catch((cause: unknown) => {
      throw noSource(source, cause);
    });
  }
}

function noSource(source: string, cause: unknown): LaunchError {
  const absent = errnoOf(cause) === "ENOENT";
  const observed = absent ? "does not exist" : `cannot be reached: ${errnoText(cause)}`;
  const hint = absent
    ? "make it first; -v would make a directory of that name"
    : "the user who runs the container has to be allowed to see it";
  return new LaunchError(
    "BAD_MOUNT",
    `bind: ${printable(source)}: ${observed} (expected a file or directory)`,
    {
      hint,
      cause,
    },
  );
}
