import { openFileData, type FileData } from "../store/file-data.js";
import { emptyTree, type DirNode, type FileNode, type TreeNode } from "../store/tree.js";
import type { Context } from "./context.js";
import { bytesOf, createLinkTracker, nodeInfo, walkTree, type FileType } from "./file-info.js";
import { openImage, type ImageTarget } from "./image-target.js";
import { differences, type Difference } from "./node-differences.js";

/** One name that two trees do not have in common. */
export interface FileChange {
  /** From the root, with a slash in front; the image's bytes. */
  readonly path: Buffer;
  readonly change: "added" | "changed" | "removed";
  /** Of the newer tree, unless the name is gone there. */
  readonly type: FileType;
  /** Bytes of data in each tree, where it has the name; 0 for further names of a file, which are hard links. */
  readonly before?: number;
  readonly after?: number;
  /** For a change: in what. Times do not count, as they differ in every build. */
  readonly what: readonly Difference[];
}

/**
 * What is different in the second tree, in order of the names. `IMAGE@LAYER` is the image as it was after that layer,
 * so that `app@2` and `app@3` differ by what layer 3 does. File contents are compared byte by byte, but only where the
 * entry tables leave it open. @throws StoreError NOT_FOUND, CORRUPT
 */
export async function diffImages(context: Context, before: string, after: string): Promise<FileChange[]> {
  const older = await openImage(context, before);
  const newer = await openImage(context, after);
  const isSame = older.image.config.descriptor.digest === newer.image.config.descriptor.digest;
  const left = await openSide(older);
  // Two heights of one image share what they have in common, which is then not compared.
  const right = await openSide(isSame ? { ...newer, files: older.files } : newer);
  try {
    const changes: FileChange[] = [];
    const links = { before: createLinkTracker(), after: createLinkTracker() };
    compareDirectories({ left, right, changes, links, signal: context.signal });
    return changes;
  } finally {
    left.data.close();
    right.data.close();
  }
}

interface Side {
  readonly tree: DirNode;
  readonly tars: readonly string[];
  readonly data: FileData;
}

interface Comparison {
  readonly left: Side;
  readonly right: Side;
  readonly changes: FileChange[];
  /** What of each tree has been told of under another name. */
  readonly links: Readonly<Record<"before" | "after", ReturnType<typeof createLinkTracker>>>;
  readonly signal: AbortSignal;
}

async function openSide({ files, layer }: ImageTarget): Promise<Side> {
  const tree = await files.tree(layer);
  return { tree, tars: files.tars, data: openFileData(files.tars) };
}

interface Pair {
  readonly path: string;
  readonly before: TreeNode | undefined;
  readonly after: TreeNode | undefined;
}

/** Depth first, with a stack of its own. */
function compareDirectories(comparison: Comparison): void {
  const { left, right, signal } = comparison;
  const stack: Pair[] = [{ path: "/", before: left.tree, after: right.tree }];
  for (let pair = stack.pop(); pair !== undefined; pair = stack.pop()) {
    signal.throwIfAborted();
    if (pair.before === pair.after) continue;
    comparePair(comparison, pair);
    if (pair.before?.kind !== "dir" || pair.after?.kind !== "dir") continue;
    const [before, after] = [pair.before.children, pair.after.children];
    const names = [...new Set([...before.keys(), ...after.keys()])].sort().reverse();
    const prefix = pair.path === "/" ? "/" : `${pair.path}/`;
    for (const name of names) {
      stack.push({ path: prefix + name, before: before.get(name), after: after.get(name) });
    }
  }
}

function comparePair(comparison: Comparison, { path, before, after }: Pair): void {
  const tell = (at: string, change: Change): void => {
    comparison.changes.push(changeOf(comparison, at, change));
  };
  if (before !== undefined && after !== undefined) {
    const what = differences(before, after, (a, b) => sameContent(comparison, a, b));
    if (what.length > 0) tell(path, { before, after, what });
    if (!what.includes("type")) return;
    // What was below a directory that is one no more, or is below one that was none.
    for (const [at, node] of walkTree(path, before)) tell(at, { before: node });
    for (const [at, node] of walkTree(path, after)) tell(at, { after: node });
    return;
  }
  const [node, key] = after === undefined ? [before, "before" as const] : [after, "after" as const];
  if (node === undefined) return;
  tell(path, { [key]: node });
  for (const [at, below] of walkTree(path, node)) tell(at, { [key]: below });
}

interface Change {
  readonly before?: TreeNode;
  readonly after?: TreeNode;
  readonly what?: readonly Difference[];
}

function changeOf({ links }: Comparison, path: string, { before, after, what = [] }: Change): FileChange {
  const older = before && nodeInfo(path, before, links.before(path, before));
  const newer = after && nodeInfo(path, after, links.after(path, after));
  return {
    path: bytesOf(path),
    change: before === undefined ? "added" : after === undefined ? "removed" : "changed",
    type: (newer ?? older ?? nodeInfo(path, emptyTree())).type,
    ...(older === undefined ? {} : { before: older.size }),
    ...(newer === undefined ? {} : { after: newer.size }),
    what,
  };
}

/** For files of equal size. */
function sameContent({ left, right, signal }: Comparison, a: FileNode, b: FileNode): boolean {
  if (left.tars[a.layer] === right.tars[b.layer] && a.offset === b.offset) return true;
  const others = right.data.read(b);
  for (const piece of left.data.read(a)) {
    signal.throwIfAborted();
    const other = others.next().value;
    // Equal sizes, so equal pieces; a short one means a damaged tar, which the reader reports.
    if (other === undefined || !piece.equals(other)) return false;
  }
  return true;
}
