import path from "node:path";
import { LaunchError, StoreError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { Helper } from "../../helper/helper.js";
import type { Plan } from "../../helper/plan.js";
import { readTreeItems, type TreeEntry } from "../../helper/tree-records.js";
import { planInDirectory, planInRunning, planInStopped } from "../../launch/plan-files.js";
import { boundRoot, lowersOfDirectory } from "../../launch/root-directory.js";
import { findContainer } from "../containers/find.js";
import { flatRoot } from "../containers/launch.js";
import { withIdsOf } from "../containers/own-ids.js";
import { readSpec } from "../containers/spec-file.js";
import type { Container } from "../containers/container.js";
import type { Context } from "../context.js";

/** Where files are: on this machine, or in a container. */
export interface Place {
  /** Name or id; none for this machine. */
  readonly container?: string;
  /** As it was written: a slash or `/.` at its end counts. */
  readonly path: string;
}

/** A place, found. */
export interface Side {
  /** Absolute, from the side's root, without a slash at its end. */
  readonly path: string;
  /** For messages. */
  readonly shown: string;
  /** Of files that are made there and do not keep their own. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Around steps that have the side's root as theirs. */
  plan(steps: Plan): Plan;
}

/** @throws StoreError NOT_FOUND */
export async function findSide(context: Context, place: Place): Promise<Side> {
  if (place.container === undefined) return localSide(place.path);
  const container = await findContainer(context, place.container);
  return {
    path: path.posix.normalize(`/${place.path}`).replace(/(?<=.)\/$/, ""),
    shown: `${place.container}:${place.path}`,
    owner: { uid: 0, gid: 0 },
    plan: await planFor(context, container),
  };
}

function localSide(text: string): Side {
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  return { path: path.resolve(text), shown: text, owner, plan: (steps) => planInDirectory("/", steps) };
}

async function planFor(context: Context, container: Container): Promise<Side["plan"]> {
  const { directory, state, status, pid, phase } = container;
  if (state.options.isolation === "chroot") return (steps) => planInDirectory(flatRoot(directory), steps);
  const spec = await readSpec(directory);
  const namespaces = spec.linux.namespaces.map(({ type }) => type);
  const start = BigInt(status?.start ?? 0);
  if (pid !== 0) return (steps) => planInRunning({ pid, start, namespaces }, steps);
  if (phase !== "created" && phase !== "exited") throw between(container);
  const same = withIdsOf(context, state);
  const privilege = await same.privilege();
  const store = await same.store({ create: false });
  const { signal, emit } = same;
  const { options, diffIds = [], mounts = [] } = state;
  const lowers =
    options.rootDir === undefined
      ? (await store.ensureRootfs(diffIds, { privilege, signal, emit })).lowers
      : lowersOfDirectory(options.rootDir);
  const rootDir = boundRoot(options);
  const stopped = { spec, containerDir: directory, lowers, privilege, mounts, rootDir };
  return (steps) => planInStopped(stopped, steps);
}

function between({ id, phase }: Container): LaunchError {
  return new LaunchError("NOT_RUNNING", `cp: ${id.slice(0, 12)}: the container is ${phase}`, {
    hint: "try again once it runs or has stopped",
  });
}

export const followLink = 1;
const alone = 2;

/** What is at a path of the side; of a link with `follow` what it leads to. Undefined where there is nothing. */
export async function lookAt(
  helper: Helper,
  side: Side,
  options: { readonly follow: boolean; readonly signal: AbortSignal },
): Promise<TreeEntry | undefined> {
  const how = alone | (options.follow ? followLink : 0);
  let found: TreeEntry | undefined;
  try {
    await helper.run(side.plan([{ kind: "read-tree", path: side.path, fd: 1, options: how }]), {
      signal: options.signal,
      output: async (bytes) => {
        for await (const item of entriesOf(bytes)) found ??= item;
      },
    });
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
  return found;
}

/** The record of a file that is looked at alone has no data behind it. */
async function* entriesOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<TreeEntry> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  for await (const item of readTreeItems(once(Buffer.concat(chunks)))) {
    if (item.kind === "up" || item.kind === "data") continue;
    yield item;
    return;
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

function isAbsence(error: unknown): boolean {
  const { kind, errno } = error instanceof LaunchError ? (error.info.details ?? {}) : {};
  return kind === "read-tree" && (errno === "ENOENT" || errno === "ENOTDIR");
}

export function nothingThere(side: Side): StoreError {
  return new StoreError("NOT_FOUND", `cp: ${printable(side.shown)}: no such file or directory`);
}
