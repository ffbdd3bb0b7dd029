import { readdir } from "node:fs/promises";
import path from "node:path";
import { StoreError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { StorePaths } from "../../store/layout.js";
import type { Context } from "../context.js";
import { readContainer, type Container } from "./container.js";
import { holderOf, nameOf } from "./names.js";
import { readState } from "./state.js";

/**
 * The container with this id, this name, or an id that begins so and no other does: docker's order.
 * @throws StoreError NOT_FOUND
 */
export async function findContainer(context: Context, word: string): Promise<Container> {
  const directory = await findDirectory(context, word);
  const container = await readContainer(await context.helper(), directory);
  if (container === undefined) throw absent(word);
  return container;
}

/** The directory alone, for what must work on a container that cannot be read. @throws StoreError NOT_FOUND */
export async function findDirectory(context: Context, word: string): Promise<string> {
  const paths = await pathsOf(context);
  if (paths === undefined) throw absent(word);
  const ids = await readdir(paths.containers);
  const at = (id: string): string => path.join(paths.containers, id);
  if (ids.includes(word)) return at(word);
  const holder = await holderOf(paths, word);
  if (holder !== undefined) return at(holder);
  const matching = /^[0-9a-f]+$/.test(word) ? ids.filter((id) => id.startsWith(word)) : [];
  const [only, another] = matching;
  if (another !== undefined) throw ambiguous(word, matching.length);
  if (only !== undefined) return at(only);
  for (const directory of ids.map(at)) {
    const state = await ifWhole(() => readState(directory));
    if (state !== undefined && nameOf(state) === word) return directory;
  }
  throw absent(word);
}

/** Every container there is, newest first. */
export async function allContainers(context: Context): Promise<readonly Container[]> {
  const paths = await pathsOf(context);
  if (paths === undefined) return [];
  const directories = (await readdir(paths.containers)).map((id) => path.join(paths.containers, id));
  const helper = await context.helper();
  const found = await Promise.all(
    directories.map((directory) => ifWhole(() => readContainer(helper, directory))),
  );
  return found
    .filter((container) => container !== undefined)
    .sort((a, b) => (a.state.created < b.state.created ? 1 : -1));
}

/** One that is damaged does not hide the others. */
async function ifWhole<T>(read: () => Promise<T>): Promise<T | undefined> {
  return read().catch((error: unknown) => {
    if (error instanceof StoreError) return undefined;
    throw error;
  });
}

/** Where there is no store there are no containers. */
async function pathsOf(context: Context): Promise<StorePaths | undefined> {
  try {
    return (await context.store({ create: false })).paths;
  } catch (error) {
    if (error instanceof StoreError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

function absent(word: string): StoreError {
  const shown = word === "" ? '""' : printable(word, 100);
  return new StoreError("NOT_FOUND", `container: ${shown}: no such container`, {
    hint: "`pullrun ps -a` lists them",
  });
}

function ambiguous(word: string, count: number): StoreError {
  const message = `container: ${printable(word, 100)}: ${count} ids begin so`;
  return new StoreError("NOT_FOUND", message, { hint: "give more digits, or the name" });
}
