import { rename, rm } from "node:fs/promises";
import path from "node:path";
import { chainIds, type DiffId } from "../core/digest.js";
import { noRoomHint } from "../core/errno-hints.js";
import { delta } from "./delta.js";
import { factsFile, isDirectory, rootfsDirectory } from "./directories.js";
import { collectFacts, loadFacts, saveFacts, type RootfsFacts } from "./facts.js";
import { syncDirectory, temporaryPrefix } from "./files.js";
import { requireFree } from "./free-space.js";
import { mergeLayers, stackLayers, type LayerStack } from "./layer-stack.js";
import { layerTars } from "./layout.js";
import { withLock } from "./lock.js";
import { materialise } from "./materialise.js";
import { fillNewDirectory } from "./new-directory.js";
import { ownerPolicy, type OwnerPolicy } from "./owners.js";
import { removeTree } from "./remove-tree.js";
import type { RootfsContext } from "./rootfs.js";
import { unsupportedXattrs } from "./xattr-support.js";
import { dataBytes, emptyTree, type DirNode } from "./tree.js";

/** Writes an image's whole tree into `target`, a new or empty directory, as plain files without overlay. */
export async function unpackFlat(
  context: RootfsContext,
  diffIds: readonly DiffId[],
  target: string,
): Promise<{ readonly facts: RootfsFacts }> {
  const clear = (file: string): Promise<void> => removeTree(file, { ...context, signal: undefined });
  return fillNewDirectory({ what: "unpack", directory: target, mode: 0o755, clear }, async () => {
    const stack = stackFor(context, diffIds);
    const tars = layerTars(stack);
    const tree = await mergeLayers(stack);
    const bytes = dataBytes(tree);
    await requireFree("unpack", target, { bytes, parts: "the data of its files", hint: noRoomHint });
    const unsupported = await unsupportedXattrs(tree, {
      ...context,
      target,
      tars,
      policy: policyFor(context),
    });
    const policy = policyFor(context, unsupported);
    await materialise(tree, { ...context, target, tars, policy });
    return { facts: await collectFacts(tree, tars) };
  });
}

/** What {@link Rootfs} says of an image, without making anything of it. */
export async function readFacts(
  context: Pick<RootfsContext, "paths">,
  diffIds: readonly DiffId[],
): Promise<RootfsFacts> {
  const stack = { paths: context.paths, diffIds, warn: () => undefined };
  return collectFacts(await mergeLayers(stack), layerTars(stack));
}

/** Makes what the driver finds, lowest first; what is there already stays. */
export async function buildDirectories(context: RootfsContext, diffIds: readonly DiffId[]): Promise<void> {
  const policy = policyFor(context);
  const stack = stackFor(context, diffIds);
  const tars = layerTars(stack);
  const directories = chainIds(diffIds).map((id) => rootfsDirectory(context.paths, id, policy.flavour));
  let below = emptyTree();
  let index = 0;
  for await (const tree of stackLayers(stack)) {
    const directory = directories[index++] ?? "";
    await buildOne(context, directory, { below, tree, tars: tars.slice(0, index), policy });
    below = tree;
  }
}

interface Build {
  readonly below: DirNode;
  readonly tree: DirNode;
  readonly tars: readonly string[];
  readonly policy: OwnerPolicy;
}

async function buildOne(context: RootfsContext, directory: string, build: Build): Promise<void> {
  const isComplete = (): boolean => isDirectory(directory) && loadFacts(factsFile(directory)) !== undefined;
  if (isComplete()) return;
  const { rootfs } = context.paths;
  const lock = path.join(rootfs, `.lock-${path.basename(directory)}`);
  await withLock({ helper: context.helper, file: lock }, { signal: context.signal }, async () => {
    if (!isComplete()) await buildLocked(context, directory, build);
    await rm(lock, { force: true });
  });
}

async function buildLocked(context: RootfsContext, directory: string, build: Build): Promise<void> {
  const { below, tree, tars, policy } = build;
  const temporary = path.join(context.paths.rootfs, `${temporaryPrefix}${path.basename(directory)}`);
  // Left by a build that was killed.
  await removeTree(temporary, context);
  try {
    if (!isDirectory(directory)) {
      const changes = delta(below, tree, policy.includes);
      // Files before the name: after a power cut a directory that has its name would else hold empty files, unnoticed.
      await materialise(changes, { ...context, target: temporary, tars, policy, durable: true });
    }
    await saveFacts(factsFile(directory), await collectFacts(tree, tars));
    if (!isDirectory(directory)) await rename(temporary, directory);
    await syncDirectory(context.paths.rootfs);
  } catch (error) {
    await removeTree(temporary, { ...context, signal: undefined }).catch(() => undefined);
    throw error;
  }
}

function stackFor(context: RootfsContext, diffIds: readonly DiffId[]): LayerStack {
  return { paths: context.paths, diffIds, warn: (message) => context.emit?.({ type: "warning", message }) };
}

function policyFor(context: RootfsContext, unsupported?: ReadonlySet<string>): OwnerPolicy {
  const warn = (message: string): void => context.emit?.({ type: "warning", message });
  return ownerPolicy(context.privilege, warn, unsupported);
}
