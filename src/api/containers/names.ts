import { existsSync } from "node:fs";
import { lstat, mkdir, readlink, rename, symlink, unlink } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf, StoreError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { Helper } from "../../helper/helper.js";
import type { StorePaths } from "../../store/layout.js";
import { withLock } from "../../store/lock.js";
import { stateFile } from "./directory.js";
import type { ContainerState } from "./state.js";
import { wordsFor } from "./name-words.js";

/** Where a taken name is kept: a symbolic link to the container's id, which only one can make. */
export function nameFile(paths: StorePaths, name: string): string {
  return path.join(paths.names, name);
}

/** What the container is called. One that goes when it ends and was given no name takes none: its id has two words. */
export function nameOf({ id, name }: Pick<ContainerState, "id" | "name">): string {
  return name ?? wordsFor(id);
}

export interface NameClaim {
  readonly name: string;
  readonly id: string;
}

/** The container's directory must be there already. @throws StoreError LOCKED if another container has the name */
export async function reserveName(paths: StorePaths, helper: Helper, claim: NameClaim): Promise<void> {
  if (await takeName(paths, claim)) return;
  await requireUnused(paths, claim.name);
  // One of those who want it may have it.
  await withLock({ helper, file: path.join(paths.names, ".lock") }, {}, async () => {
    await requireUnused(paths, claim.name);
    const temporary = nameFile(paths, `.${claim.id}`);
    await symlink(claim.id, temporary);
    await rename(temporary, nameFile(paths, claim.name));
  });
}

/** A container that takes a name has its state written a moment later, unless it is killed in between. Milliseconds. */
const patienceMs = 3000;
const pollMs = 50;

/** Nobody has a name that a deleted directory left behind, or one in which nothing has come after it. */
async function requireUnused(paths: StorePaths, name: string): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const holder = await holderOf(paths, name);
    if (holder === undefined) return;
    if (existsSync(stateFile(path.join(paths.containers, holder)))) throw taken(name, holder);
    if (Date.now() > deadline) return;
    await sleep(pollMs);
  }
}

/** For a container that was given no name but stays: one of two words that nobody has. */
export async function reserveSomeName(paths: StorePaths, id: string): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    const words = wordsFor(id.slice(attempt % 32));
    const name = attempt < 8 ? words : `${words}${attempt}`;
    if (await takeName(paths, { name, id })) return name;
  }
}

/** Before the container's directory goes: a name must never lead to a container that is not there. */
export async function releaseName(paths: StorePaths, claim: NameClaim): Promise<void> {
  const file = nameFile(paths, claim.name);
  const holder = await readlink(file).catch(() => undefined);
  if (holder === claim.id) await unlink(file).catch(ignoreAbsent);
}

/** The id of the container that has taken this name, if it is still there. */
export async function holderOf(paths: StorePaths, name: string): Promise<string | undefined> {
  const id = await readlink(nameFile(paths, name)).catch(() => undefined);
  if (id === undefined || !/^[0-9a-f]{64}$/.test(id)) return undefined;
  return lstat(path.join(paths.containers, id)).then(
    () => id,
    () => undefined,
  );
}

async function takeName(paths: StorePaths, { name, id }: NameClaim): Promise<boolean> {
  const take = (): Promise<void> => symlink(id, nameFile(paths, name));
  try {
    await take().catch(async (error: unknown) => {
      if (errnoOf(error) !== "ENOENT") throw error;
      await mkdir(paths.names, { recursive: true, mode: 0o700 });
      await take();
    });
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}

function taken(name: string, holder: string): StoreError {
  const message = `--name: ${printable(name, 80)}: container ${holder.slice(0, 12)} has that name`;
  return new StoreError("LOCKED", message, {
    hint: `choose another, or remove that container: pullrun rm ${printable(name, 80)}`,
  });
}

function ignoreAbsent(error: unknown): void {
  if (errnoOf(error) !== "ENOENT") throw error;
}
