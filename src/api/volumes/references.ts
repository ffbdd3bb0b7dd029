import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { errnoOf } from "../../core/errors.js";
import { atomicWrite } from "../../store/files.js";
import type { StorePaths } from "../../store/layout.js";

/** That a container has a volume mounted, running or not: kept in its directory, and gone with it. */
export interface VolumeReference {
  readonly target: string;
  readonly name: string;
  readonly anonymous: boolean;
}

/** The container's references, none where it has no volumes. */
export async function readReferences(containerDir: string): Promise<readonly VolumeReference[]> {
  try {
    return JSON.parse(await readFile(fileIn(containerDir), "utf8")) as VolumeReference[];
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return [];
    throw error;
  }
}

export async function writeReferences(
  containerDir: string,
  references: readonly VolumeReference[],
): Promise<void> {
  await atomicWrite(fileIn(containerDir), Buffer.from(JSON.stringify(references)), 0o600);
}

/** Of every volume a container has, the ids of those containers. */
export async function volumeUsers(paths: StorePaths): Promise<Map<string, string[]>> {
  const users = new Map<string, string[]>();
  for (const id of await readdir(paths.containers)) {
    const names = (await readReferences(path.join(paths.containers, id))).map(({ name }) => name);
    for (const name of new Set(names)) users.set(name, [...(users.get(name) ?? []), id]);
  }
  return users;
}

function fileIn(containerDir: string): string {
  return path.join(containerDir, "volumes");
}
