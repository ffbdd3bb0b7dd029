import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { isDigest, type Digest } from "../core/digest.js";
import { errnoOf, LaunchError } from "../core/errors.js";
import type { Helper } from "../helper/helper.js";
import { removeTree } from "../store/remove-tree.js";
import type { Store } from "../store/store.js";
import type { Context } from "./context.js";

/** What a container's directory says about it, written before it starts. */
export interface ContainerState {
  /** Of the root file system it runs on; none in chroot isolation, which has a copy of its own. */
  readonly chainId?: Digest;
}

const stateFile = "state.json";
/** Younger directories may belong to a run that has not taken its lock yet. Milliseconds. */
const startingMs = 60_000;

export function statePath(containerDir: string): string {
  return path.join(containerDir, stateFile);
}

/**
 * Root file systems that containers run on. On the way, directories of containers whose supervisor died without
 * cleaning up (SIGKILL, power cut) are deleted: a live supervisor holds a kernel lock in its container's directory.
 */
export async function surveyContainers(context: Context, store: Store): Promise<Digest[]> {
  const { containers } = store.paths;
  const used: Digest[] = [];
  for (const name of await readdir(containers)) {
    const directory = path.join(containers, name);
    // Before the question makes a lock file, which would make the directory look new.
    const isOld = await isAbandoned(directory);
    if (await isAlive(await context.helper(), directory)) {
      const chainId = await chainIdOf(directory);
      if (chainId !== undefined) used.push(chainId);
    } else if (isOld) {
      await removeTree(directory, { helper: await context.helper(), privilege: await context.privilege() });
    }
  }
  return used;
}

async function chainIdOf(directory: string): Promise<Digest | undefined> {
  try {
    const state = JSON.parse(await readFile(statePath(directory), "utf8")) as Partial<ContainerState>;
    return state.chainId !== undefined && isDigest(state.chainId) ? state.chainId : undefined;
  } catch (error) {
    // Gone meanwhile, or cut short by the crash that left it.
    if (errnoOf(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether somebody holds the lock that a supervisor holds as long as it lives. */
async function isAlive(helper: Helper, directory: string): Promise<boolean> {
  try {
    await helper.run(
      [
        { kind: "lock", path: lockPath(directory) },
        { kind: "exit", code: 0 },
      ],
      {},
    );
    return false;
  } catch (error) {
    if (error instanceof LaunchError && error.info.details?.["errno"] === "EAGAIN") return true;
    throw error;
  }
}

export function lockPath(containerDir: string): string {
  return path.join(containerDir, "lock");
}

async function isAbandoned(directory: string): Promise<boolean> {
  const found = await stat(directory).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > startingMs;
}
