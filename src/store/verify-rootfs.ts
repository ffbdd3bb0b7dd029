import { open, readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { chainIds, hexOf, type DiffId } from "../core/digest.js";
import { LayerError } from "../core/errors.js";
import type { Privilege } from "../helper/privilege.js";
import { delta } from "./delta.js";
import { erofsImage } from "./erofs-image.js";
import { collectFacts } from "./facts.js";
import { stackLayers } from "./layer-stack.js";
import { layerTars } from "./layout.js";
import type { StorePaths } from "./layout.js";
import { ownerPolicy } from "./owners.js";
import { emptyTree, type DirNode } from "./tree.js";
import { firstDifference } from "./verify-tree.js";
import type { Problem } from "./verify.js";

export interface RootfsCheckContext {
  readonly paths: StorePaths;
  readonly privilege: Privilege;
}

/** The layers of an image, all of them good. */
export interface CheckStack {
  readonly diffIds: readonly DiffId[];
  readonly image: string;
}

export interface RootfsChecked {
  readonly checked: number;
  readonly problems: readonly Problem[];
}

/**
 * Compares root file systems with what the layers would make of them anew: EROFS images byte by byte, directories by
 * their trees, and the facts beside both. What was made with another privilege belongs to ids we cannot judge.
 */
export async function checkRootfs(
  context: RootfsCheckContext,
  stacks: readonly CheckStack[],
  onCheck: (object: string) => void,
): Promise<RootfsChecked> {
  const present = new Set(await readdir(context.paths.rootfs));
  const seen = new Map<string, Problem | undefined>();
  for (const stack of stacks) {
    const names = namesOf(context, stack).flat();
    if (!names.some((name) => present.has(name) && !seen.has(name))) continue;
    await checkStack(context, stack, { present, seen, onCheck });
  }
  const problems = [...seen.values()].filter((problem) => problem !== undefined);
  return { checked: seen.size, problems };
}

interface Checking {
  readonly present: ReadonlySet<string>;
  /** By name in `rootfs/`. */
  readonly seen: Map<string, Problem | undefined>;
  onCheck(object: string): void;
}

/** For each layer of the stack, the names its chain can have. */
function namesOf({ privilege }: RootfsCheckContext, { diffIds }: CheckStack): string[][] {
  const { flavour } = ownerPolicy(privilege, () => undefined);
  return chainIds(diffIds).map((id) => [`${hexOf(id)}${flavour}`, `${hexOf(id)}.erofs`]);
}

async function checkStack(context: RootfsCheckContext, stack: CheckStack, checking: Checking): Promise<void> {
  const names = namesOf(context, stack);
  const layers = { ...stack, paths: context.paths, warn: () => undefined };
  const tars = layerTars(layers);
  let below = emptyTree();
  let height = 0;
  try {
    for await (const tree of stackLayers(layers)) {
      const diffIds = stack.diffIds.slice(0, height + 1);
      const made: Made = { below, tree, tars: tars.slice(0, height + 1), diffIds };
      await checkNames(names[height] ?? [], stack, {
        ...checking,
        check: (name) => (name.endsWith(".erofs") ? checkErofs : checkDirectory)(context, name, made),
      });
      below = tree;
      height++;
    }
  } catch (error) {
    // Good layers that make no tree are a fault of the image, which every run of it tells; the store is as it must be.
    if (!(error instanceof LayerError)) throw error;
    await checkNames(names.slice(height).flat(), stack, { ...checking, check: async () => error.message });
  }
}

interface ChainCheck extends Checking {
  /** What is wrong with the root file system of this name. */
  check(name: string): Promise<string | undefined>;
}

/** Checks what the store has under these names, unless it was checked for another image. */
async function checkNames(names: readonly string[], stack: CheckStack, chain: ChainCheck): Promise<void> {
  const { present, seen, onCheck, check } = chain;
  for (const name of names) {
    if (!present.has(name) || seen.has(name)) continue;
    onCheck(`rootfs/${name}`);
    const wrong = await check(name);
    seen.set(name, wrong === undefined ? undefined : problemOf(name, wrong, stack));
  }
}

function problemOf(name: string, wrong: string, { image }: CheckStack): Problem {
  const message = `root file system ${name}: ${wrong}`;
  return { kind: "rootfs", state: "damaged", object: name, message, images: [image] };
}

/** What a root file system is made of. */
interface Made {
  readonly below: DirNode;
  readonly tree: DirNode;
  readonly tars: readonly string[];
  readonly diffIds: readonly DiffId[];
}

async function checkDirectory(
  { paths, privilege }: RootfsCheckContext,
  name: string,
  made: Made,
): Promise<string | undefined> {
  const directory = path.join(paths.rootfs, name);
  const policy = ownerPolicy(privilege, () => undefined);
  const owned = privilege.kind === "root";
  const difference = await firstDifference(delta(made.below, made.tree, policy.includes), directory, {
    tars: made.tars,
    policy,
    owned,
  });
  return difference ?? (await checkFacts(`${directory}.json`, made, {}));
}

async function checkErofs(
  { paths }: RootfsCheckContext,
  name: string,
  { tree, tars, diffIds }: Made,
): Promise<string | undefined> {
  const file = path.join(paths.rootfs, name);
  const sizes = await Promise.all(tars.map((tar) => stat(tar).then(({ size }) => size)));
  try {
    const image = erofsImage(tree, {
      tars: diffIds.map((diffId, layer) => ({ tag: hexOf(diffId), bytes: sizes[layer] ?? 0 })),
      policy: ownerPolicy({ kind: "root" }, () => undefined),
      uuid: Buffer.from(name.slice(0, 32), "hex"),
    });
    const same = await holds(file, image.pieces());
    if (!same) return "is not what its layers make";
    return await checkFacts(`${file}.json`, { tree, tars }, { devices: image.layers });
  } catch (error) {
    if (error instanceof LayerError) return error.message;
    throw error;
  }
}

async function holds(file: string, pieces: Iterable<Buffer>): Promise<boolean> {
  if (!(await stat(file)).isFile()) return false;
  await using handle = await open(file, "r");
  let at = 0;
  for (const piece of pieces) {
    const found = Buffer.alloc(piece.length);
    const { bytesRead } = await handle.read(found, 0, piece.length, at);
    if (bytesRead !== piece.length || !found.equals(piece)) return false;
    at += piece.length;
  }
  return (await handle.stat()).size === at;
}

async function checkFacts(
  file: string,
  { tree, tars }: Pick<Made, "tree" | "tars">,
  more: object,
): Promise<string | undefined> {
  const expected = JSON.parse(JSON.stringify({ ...(await collectFacts(tree, tars)), ...more })) as unknown;
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return "its facts are missing";
  try {
    if (isDeepStrictEqual(JSON.parse(text), expected)) return undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return "its facts are damaged";
}
