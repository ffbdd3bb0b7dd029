import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { isDigest } from "../../core/digest.js";
import { StoreError } from "../../core/errors.js";
import type { Helper } from "../../helper/helper.js";
import { addAll, addLayers, emptyContent, type Content } from "../../store/image-content.js";
import { isLocked } from "../../store/lock.js";
import { removeTree } from "../../store/remove-tree.js";
import type { Store } from "../../store/store.js";
import type { Context } from "../context.js";
import { removeAnonymousVolumes } from "../volumes/remove.js";
import { isUp, readContainer, type Container } from "./container.js";
import { lockFile } from "./directory.js";
import { releaseName } from "./names.js";
import { readState } from "./state.js";
import { sweepCgroups } from "./sweep-cgroups.js";

/** Younger directories may belong to a run that has not taken its lock yet. Milliseconds. */
const startingMs = 60_000;

/** What containers run on, those that will be started again included. On the way, what {@link Survey.abandoned} is goes. */
export async function surveyContainers(context: Context, store: Store): Promise<Content> {
  const { used, resting } = await sweepContainers(context, store);
  addAll(used, resting);
  return used;
}

/** The same, told apart. */
export async function sweepContainers(context: Context, store: Store): Promise<Survey> {
  const survey = await listContainers(context, store);
  for (const directory of survey.abandoned) await removeAbandoned(context, store, directory);
  return survey;
}

/** All there is of a container nobody will come back to. */
export async function removeAbandoned(context: Context, store: Store, directory: string): Promise<void> {
  const state = await readState(directory).catch(unreadable);
  if (state?.name !== undefined) await releaseName(store.paths, { name: state.name, id: state.id });
  await removeAnonymousVolumes(context, directory);
  const helper = await context.helper();
  await sweepCgroups(path.basename(directory));
  await removeTree(directory, { helper, privilege: await context.privilege() });
}

export interface Survey {
  /** What the living ones run on. */
  readonly used: Content;
  /** What those that are stopped, or not started yet, will run on. */
  readonly resting: Content;
  /**
   * Directories nobody will come back to: half made, or of a `--rm` container whose supervisor died (SIGKILL, power cut)
   * before it had removed it.
   */
  readonly abandoned: readonly string[];
}

/** The same, with nothing deleted. */
export async function listContainers(context: Context, store: Store): Promise<Survey> {
  const helper = await context.helper();
  const survey = { used: emptyContent(), resting: emptyContent(), abandoned: [] as string[] };
  for (const name of await readdir(store.paths.containers)) {
    const directory = path.join(store.paths.containers, name);
    // Before the question makes a lock file, which would make the directory look new.
    const isOld = await isFromEarlier(directory);
    const container = await readContainer(helper, directory).catch(unreadable);
    if (await isAbandoned(helper, { directory, container, isOld })) survey.abandoned.push(directory);
    else if (container !== undefined)
      addUsed(container, isUp(container.phase) ? survey.used : survey.resting);
  }
  return survey;
}

interface Found {
  readonly directory: string;
  readonly container: Container | undefined;
  readonly isOld: boolean;
}

async function isAbandoned(helper: Helper, { directory, container, isOld }: Found): Promise<boolean> {
  if (container === undefined) return isOld && !(await isLocked(helper, lockFile(directory)));
  if (!container.state.autoRemove) return false;
  // `create` writes a status; `run` leaves that to the supervisor it becomes, and may have been killed before.
  return container.phase === "exited" || (isOld && container.status === undefined && !isUp(container.phase));
}

function unreadable(error: unknown): undefined {
  if (error instanceof StoreError && error.code === "CORRUPT") return undefined;
  throw error;
}

function addUsed({ state }: Container, used: Content): void {
  if (state.chainId !== undefined && isDigest(state.chainId)) used.chainIds.add(state.chainId);
  addLayers(used, (state.diffIds ?? []).filter(isDigest));
}

async function isFromEarlier(directory: string): Promise<boolean> {
  const found = await stat(directory).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > startingMs;
}
