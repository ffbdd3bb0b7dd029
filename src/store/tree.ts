import type { EntryAttributes } from "./entry.js";

/**
 * A root file system in memory. Names are latin1 strings standing for bytes. A leaf object is an inode: names that
 * share it are hard links of each other. Trees share what they have in common: merging a layer copies only the
 * directories it touches, so two trees are compared by object identity.
 */
export type TreeNode = DirNode | LeafNode;
export type LeafNode = FileNode | SymlinkNode | DeviceNode | WhiteoutNode;

export interface DirNode {
  readonly kind: "dir";
  attributes: EntryAttributes;
  readonly children: Map<string, TreeNode>;
  /** The merge that may change this object; every other merge copies it first. */
  readonly owner: number;
  /** Names put here by that merge, but for files that tell so themselves; see {@link isFresh}. */
  fresh: Set<string> | undefined;
}

interface Leaf {
  readonly attributes: EntryAttributes;
  /** How many names ever pointed here: 1 means surely no hard link, more means perhaps. */
  names: number;
}

export interface FileNode extends Leaf {
  readonly kind: "file";
  readonly size: number;
  /** Which layer's tar holds the data (0 = bottom), and where. */
  readonly layer: number;
  readonly offset: number;
}

export interface SymlinkNode extends Leaf {
  readonly kind: "symlink";
  readonly target: Buffer;
}

export interface DeviceNode extends Leaf {
  readonly kind: "char" | "block" | "fifo";
  readonly major: number;
  readonly minor: number;
}

/** Only in the result of `delta`: the name is deleted from the layers below. */
export interface WhiteoutNode extends Leaf {
  readonly kind: "whiteout";
}

/** Directories that no entry describes: what docker, containerd and umoci give them, with a time that is always the same. */
const impliedAttributes: EntryAttributes = { mode: 0o755, uid: 0, gid: 0, mtime: 0, mtimeNs: 0, xattrs: [] };

export function newDirectory(owner: number, attributes: EntryAttributes = impliedAttributes): DirNode {
  return { kind: "dir", attributes, children: new Map(), owner, fresh: undefined };
}

/** The tree of an image without layers. */
export function emptyTree(): DirNode {
  return newDirectory(-1);
}

/** `directory` if it belongs to `owner`, else a copy that does. */
export function ownedCopy(directory: DirNode, owner: number): DirNode {
  if (directory.owner === owner) return directory;
  const { attributes, children } = directory;
  return { kind: "dir", attributes, children: new Map(children), owner, fresh: undefined };
}

/** Puts `node` under a name of `parent`, which belongs to the merge that does it. */
export function putChild(parent: DirNode, name: string, node: TreeNode): void {
  parent.children.set(name, node);
  // The files of a layer, nearly all that it has, are known by it: a set of a hundred thousand names less.
  if (node.kind !== "file" || node.layer !== parent.owner) (parent.fresh ??= new Set()).add(name);
}

/** Whether the merge that `parent` belongs to put the name there: whiteouts of the same layer do not touch it. */
export function isFresh(parent: DirNode, name: string, node: TreeNode): boolean {
  return (node.kind === "file" && node.layer === parent.owner) || parent.fresh?.has(name) === true;
}

/** Of all files in the tree; one with several names counts once. */
export function dataBytes(tree: DirNode): number {
  const seen = new Set<FileNode>();
  const pending = [tree];
  let bytes = 0;
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const node of directory.children.values()) {
      if (node.kind === "dir") pending.push(node);
      if (node.kind !== "file" || seen.has(node)) continue;
      if (node.names > 1) seen.add(node);
      bytes += node.size;
    }
  }
  return bytes;
}
