import type { EntryMeta } from "../helper/entries.js";
import { encodeXattrs } from "./erofs-xattrs.js";
import { directoryBytes } from "./erofs-directory.js";
import { align, blockBytes, chunkIndexBytes, inodeBytes, slotBytes } from "./erofs-format.js";
import type { OwnerPolicy } from "./owners.js";
import type { DirNode, LeafNode, TreeNode } from "./tree.js";

/** An inode and where it goes. */
export interface Inode {
  readonly node: TreeNode;
  readonly meta: EntryMeta;
  /** As {@link encodeXattrs} has them. */
  readonly xattrs: Buffer;
  /** Bytes of the file's, link's or directory's content. */
  readonly size: number;
  readonly isInline: boolean;
  /** In bytes from the first inode's block; see {@link nidOf}. */
  readonly at: number;
  /** First block of the content, counted from the end of the inodes; only where it is in this image. */
  readonly block: number;
  links: number;
}

export interface Directory {
  readonly inode: Inode;
  /** Sorted, with "." and "..". */
  readonly names: readonly string[];
  readonly children: readonly Inode[];
}

/** A tree laid out: inodes, then what is not in the tars, namely directories and long symlinks. */
export interface ImagePlan {
  /** The root first, then the children of each directory together. */
  readonly inodes: readonly Inode[];
  readonly directories: readonly Directory[];
  readonly longLinks: readonly Inode[];
  /** Length of the inodes, in bytes: whole blocks. */
  readonly inodeArea: number;
  /** What follows them, in blocks. */
  readonly contentBlocks: number;
}

/** Not 0: programs take the inode number 0 for a deleted entry. */
const firstAt = 2 * slotBytes;

export function nidOf({ at }: Pick<Inode, "at">): number {
  return at / slotBytes;
}

/** Where the chunk index of a file's inode is. */
export function chunkIndexAt({ at, xattrs }: Pick<Inode, "at" | "xattrs">): number {
  return align(at + inodeBytes + xattrs.length, chunkIndexBytes);
}

interface Planning {
  readonly policy: OwnerPolicy;
  readonly inodes: Inode[];
  /** Inodes that may have several names. */
  readonly linked: Map<LeafNode, Inode>;
  end: number;
  blocks: number;
}

/** @throws LayerError UNSUPPORTED_LAYER for attributes the format has no room for */
export function planImage(tree: DirNode, policy: OwnerPolicy): ImagePlan {
  const planning: Planning = { policy, inodes: [], linked: new Map(), end: firstAt, blocks: 0 };
  const names = namesOf(tree);
  const root = addInode(planning, tree, directoryBytes(names));
  const found: Found[] = [{ node: tree, inode: root, parent: root, names }];
  const directories: Directory[] = [];
  for (const directory of found) directories.push(addChildren(planning, directory, found));
  const longLinks = planning.inodes.filter(({ node, isInline }) => node.kind === "symlink" && !isInline);
  const inodeArea = align(planning.end, blockBytes);
  return { inodes: planning.inodes, directories, longLinks, inodeArea, contentBlocks: planning.blocks };
}

interface Found {
  readonly node: DirNode;
  readonly inode: Inode;
  readonly parent: Inode;
  readonly names: readonly string[];
}

/** Places the children of a directory, and queues the directories among them. */
function addChildren(planning: Planning, directory: Found, found: Found[]): Directory {
  const { node, inode, parent, names } = directory;
  const children = names.map((name): Inode => {
    if (name === ".") return inode;
    if (name === "..") return parent;
    const child = node.children.get(name) as TreeNode;
    if (child.kind !== "dir") return addLeaf(planning, child);
    inode.links++;
    const inside = namesOf(child);
    const made = addInode(planning, child, directoryBytes(inside));
    found.push({ node: child, inode: made, parent: inode, names: inside });
    return made;
  });
  return { inode, names, children };
}

/** The default order of JavaScript is that of the bytes, one of which each character stands for. */
function namesOf(directory: DirNode): string[] {
  return [".", "..", ...directory.children.keys()].sort();
}

function addLeaf(planning: Planning, node: LeafNode): Inode {
  const known = node.names > 1 ? planning.linked.get(node) : undefined;
  if (known !== undefined) {
    known.links++;
    return known;
  }
  const size = node.kind === "file" ? node.size : node.kind === "symlink" ? node.target.length : 0;
  const inode = addInode(planning, node, size);
  if (node.names > 1) planning.linked.set(node, inode);
  return inode;
}

const pathUnused = (): string => "";

function addInode(planning: Planning, node: TreeNode, size: number): Inode {
  const meta = planning.policy.metaOf(node, pathUnused);
  const xattrs = encodeXattrs(meta.xattrs as Parameters<typeof encodeXattrs>[0]);
  const head = inodeBytes + xattrs.length;
  const isInline = node.kind === "symlink" && head + size <= blockBytes;
  const at = placeFor(planning.end, isInline ? head + size : 0);
  const block = planning.blocks;
  if (node.kind === "dir" || (node.kind === "symlink" && !isInline)) {
    planning.blocks += Math.ceil(size / blockBytes);
  }
  const inode = { node, meta, xattrs, size, isInline, at, block, links: node.kind === "dir" ? 2 : 1 };
  const end =
    node.kind === "file" ? chunkIndexAt(inode) + chunkIndexBytes : at + head + (isInline ? size : 0);
  planning.end = align(end, slotBytes);
  planning.inodes.push(inode);
  return inode;
}

/** The kernel refuses inline content that crosses a block: such an inode moves to the next one. */
function placeFor(end: number, inlineBytes: number): number {
  return (end % blockBytes) + inlineBytes > blockBytes ? align(end, blockBytes) : end;
}
