import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { isDigest } from "../core/digest.js";
import { errnoOf } from "../core/errors.js";
import { addLayers, emptyContent, type Content } from "../store/image-content.js";
import { isLocked } from "../store/lock.js";
import { removeTree } from "../store/remove-tree.js";
import type { Store } from "../store/store.js";
import { lockPath, statePath, type ContainerState } from "./container-state.js";
import type { Context } from "./context.js";

/** Younger directories may belong to a run that has not taken its lock yet. Milliseconds. */
const startingMs = 60_000;

/**
 * What containers run on. On the way, directories of containers whose supervisor died without cleaning up (SIGKILL,
 * power cut) are deleted: a live supervisor holds a kernel lock in its container's directory.
 */
export async function surveyContainers(context: Context, store: Store): Promise<Content> {
  const { used, abandoned } = await listContainers(context, store);
  for (const directory of abandoned) {
    await removeTree(directory, { helper: await context.helper(), privilege: await context.privilege() });
  }
  return used;
}

export interface Containers {
  /** What the living ones run on. */
  readonly used: Content;
  /** Directories of the dead. */
  readonly abandoned: readonly string[];
}

/** The same, with nothing deleted. */
export async function listContainers(context: Context, store: Store): Promise<Containers> {
  const { containers } = store.paths;
  const used = emptyContent();
  const abandoned: string[] = [];
  for (const name of await readdir(containers)) {
    const directory = path.join(containers, name);
    // Before the question makes a lock file, which would make the directory look new.
    const isOld = await isAbandoned(directory);
    if (await isLocked(await context.helper(), lockPath(directory))) addUsed(await stateOf(directory), used);
    else if (isOld) abandoned.push(directory);
  }
  return { used, abandoned };
}

function addUsed(state: ContainerState | undefined, used: Content): void {
  if (state?.chainId !== undefined && isDigest(state.chainId)) used.chainIds.add(state.chainId);
  addLayers(used, (state?.diffIds ?? []).filter(isDigest));
}

async function stateOf(directory: string): Promise<ContainerState | undefined> {
  try {
    return JSON.parse(await readFile(statePath(directory), "utf8")) as ContainerState;
  } catch (error) {
    // Gone meanwhile, or cut short by the crash that left it.
    if (errnoOf(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function isAbandoned(directory: string): Promise<boolean> {
  const found = await stat(directory).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > startingMs;
}
