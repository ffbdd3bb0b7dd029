import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { errnoOf, StoreError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import { randomBytes } from "../../helper/random.js";
import { checkVolumeName } from "../../launch/mount-checks.js";
import { temporaryName, temporaryPrefix, withStoreErrors } from "../../store/files.js";
import type { StorePaths } from "../../store/layout.js";

/** A volume is a directory of the store with `data`, which containers see, and `volume.json`, which they do not. */
export interface Volume {
  readonly name: string;
  /** ISO 8601. */
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Made for one container, to go with it. */
  readonly anonymous: boolean;
  /** Absolute path of its files on the host. */
  readonly data: string;
}

export interface VolumeRequest {
  /** None: a random one. */
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly anonymous?: boolean;
}

export function volumeDirectory(paths: Pick<StorePaths, "volumes">, name: string): string {
  return path.join(paths.volumes, name);
}

/** 64 hex digits, as docker's. */
export function randomVolumeName(): string {
  return randomBytes(32).toString("hex");
}

/** The volume of that name, made whole or not at all if there is none. @throws UsageError BAD_VALUE; StoreError STORE_IO */
export async function createVolume(paths: StorePaths, request: VolumeRequest): Promise<Volume> {
  const { name = randomVolumeName(), labels = {}, anonymous = false } = request;
  checkVolumeName(name);
  const directory = volumeDirectory(paths, name);
  const present = await readVolume(paths, name);
  if (present !== undefined) return present;
  return withStoreErrors("volume", name, async () => {
    await mkdir(paths.volumes, { recursive: true, mode: 0o700 });
    const temporary = temporaryName(paths.volumes);
    await mkdir(temporary, { mode: 0o700 });
    try {
      const described = { name, created: new Date().toISOString(), labels, anonymous };
      // Mode 0755, whatever our umask is, until an image's directory says otherwise.
      await mkdir(path.join(temporary, "data"));
      await chmod(path.join(temporary, "data"), 0o755);
      await writeFile(path.join(temporary, "volume.json"), JSON.stringify(described));
      await rename(temporary, directory).catch(alreadyThere);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    return (await readVolume(paths, name)) ?? missing(name);
  });
}

/** Somebody else made it meanwhile. */
function alreadyThere(error: unknown): void {
  if (errnoOf(error) !== "ENOTEMPTY" && errnoOf(error) !== "EEXIST") throw error;
}

function missing(name: string): never {
  throw new StoreError("NOT_FOUND", `volume: ${printable(name, 80)}: was removed while it was made`);
}

export async function readVolume(
  paths: Pick<StorePaths, "volumes">,
  name: string,
): Promise<Volume | undefined> {
  const directory = volumeDirectory(paths, name);
  const text = await readFile(path.join(directory, "volume.json"), "utf8").catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const described = JSON.parse(text) as Omit<Volume, "data">;
  return { ...described, name, data: path.join(directory, "data") };
}

/** Every volume, by name. */
export async function readVolumes(paths: Pick<StorePaths, "volumes">): Promise<Volume[]> {
  const names = await readdir(paths.volumes).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  });
  const volumes: Volume[] = [];
  for (const name of names.toSorted()) {
    const volume = name.startsWith(temporaryPrefix) ? undefined : await readVolume(paths, name);
    if (volume !== undefined) volumes.push(volume);
  }
  return volumes;
}

/** @throws StoreError NOT_FOUND */
export async function requireVolume(paths: StorePaths, name: string): Promise<Volume> {
  checkVolumeName(name);
  const volume = await readVolume(paths, name);
  if (volume !== undefined) return volume;
  throw new StoreError("NOT_FOUND", `volume: ${printable(name, 80)}: does not exist`, {
    hint: "`pullrun volume ls` lists them",
  });
}
