import type { EntryAttributes } from "./entry.js";
import type { DirNode, LeafNode, TreeNode, WhiteoutNode } from "./tree.js";

/**
 * What an overlay layer over `before` must hold to show `after`: new and changed nodes, whiteouts for names that are
 * gone, and the directories above them with their final attributes. All names of a hard-linked inode are in it as
 * soon as one is, else a link would fall apart into two files. Comparing is by identity of the nodes (see tree.ts).
 * What is not made (`isMade`: devices, without root) must not show what it replaces either: a whiteout stands for it.
 */
export function delta(
  before: DirNode,
  after: DirNode,
  isMade: (node: TreeNode) => boolean = always,
): DirNode {
  const linked = new Set<LeafNode>();
  const changes = compare(before, after, { linked, forced: nothing, isMade });
  const emitted =
    linked.size === 0 ? changes : compare(before, after, { linked: new Set(), forced: linked, isMade });
  return emitted ?? shell(after, new Map());
}

interface Rules {
  /** Collects the emitted inodes that may have other names. */
  readonly linked: Set<LeafNode>;
  /** Inodes to emit although they did not change. */
  readonly forced: ReadonlySet<TreeNode>;
  readonly isMade: (node: TreeNode) => boolean;
}

const nothing: ReadonlySet<TreeNode> = new Set();
const always = (): boolean => true;

/** The part of `after` to emit, undefined if none. */
function compare(before: TreeNode | undefined, after: DirNode, rules: Rules): DirNode | undefined {
  // With nothing forced, a directory shared by both trees holds no change.
  if (before === after && rules.forced.size === 0) return undefined;
  const old = before?.kind === "dir" ? before : undefined;
  const children = new Map<string, TreeNode>();
  for (const [name, child] of after.children) {
    const previous = old?.children.get(name);
    const emitted =
      child.kind === "dir" ? compare(previous, child, rules) : compareLeaf(previous, child, rules);
    if (emitted !== undefined) children.set(name, emitted);
  }
  for (const name of old?.children.keys() ?? []) if (!after.children.has(name)) children.set(name, whiteout);
  const changed = old === undefined || old.attributes !== after.attributes || children.size > 0;
  return changed ? shell(after, children) : undefined;
}

function compareLeaf(before: TreeNode | undefined, after: LeafNode, rules: Rules): LeafNode | undefined {
  if (before === after && !rules.forced.has(after)) return undefined;
  if (!rules.isMade(after)) return before !== undefined && rules.isMade(before) ? whiteout : undefined;
  if (after.names > 1) rules.linked.add(after);
  return after;
}

function shell(directory: DirNode, children: Map<string, TreeNode>): DirNode {
  return { kind: "dir", attributes: directory.attributes, children, owner: -1, fresh: undefined };
}

const noAttributes: EntryAttributes = { mode: 0, uid: 0, gid: 0, mtime: 0, mtimeNs: 0, xattrs: [] };
const whiteout: WhiteoutNode = { kind: "whiteout", attributes: noAttributes, names: 1 };
