import { limits } from "../core/limits.js";
import type { DirNode, TreeNode } from "./tree.js";

/** As many as Linux follows in one lookup (path_resolution(7)). */
const maxLinks = 40;

/** What a step down the tree may do where it does not find a directory. */
export interface WalkRules {
  /** The directory to go on in for the child found under `name`; a merge copies it first. */
  enter(parent: DirNode, name: string, child: DirNode): DirNode;
  /** A directory to go on in where `name` does not exist; undefined ends the walk. */
  missing(parent: DirNode, name: string): DirNode | undefined;
}

/** Where a walk ended: in a directory, nowhere, at something that is no directory, in a loop of links, or too deep. */
export type WalkResult = DirNode | "missing" | "not-a-directory" | "loop" | "too-deep";

/**
 * Follows `parts` from `root` to a directory, through symbolic links, all of it inside the tree as in a chroot: an
 * absolute link starts at the root again and `..` at the root stays there.
 */
export function walk(root: DirNode, parts: readonly string[], rules: WalkRules): WalkResult {
  const stack: [DirNode, ...DirNode[]] = [root];
  const pending = parts.toReversed();
  let links = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (stack.length > 1) stack.pop();
      continue;
    }
    const parent = stack.at(-1) ?? root;
    const child = parent.children.get(name);
    if (child?.kind === "symlink") {
      if (++links > maxLinks) return "loop";
      const target = child.target.toString("latin1");
      if (target.startsWith("/")) stack.length = 1;
      pending.push(...target.split("/").reverse());
      continue;
    }
    const next =
      child === undefined
        ? rules.missing(parent, name)
        : child.kind === "dir"
          ? rules.enter(parent, name, child)
          : child;
    if (next === undefined) return "missing";
    if (next.kind !== "dir") return "not-a-directory";
    // Links can lead deeper than any single path: bounded here, the tree can be walked recursively everywhere else.
    if (stack.push(next) > limits.directoryDepth) return "too-deep";
  }
  return stack.at(-1) ?? root;
}

const readOnly: WalkRules = { enter: (_parent, _name, child) => child, missing: () => undefined };

/** What an absolute path of a finished tree names, following links also at its end; undefined if nothing. */
export function findNode(root: DirNode, path: string): TreeNode | undefined {
  let parts = path.split("/").filter((part) => part !== "");
  for (let links = 0; links <= maxLinks; links++) {
    const name = parts.at(-1);
    const parent = walk(root, parts.slice(0, -1), readOnly);
    if (name === undefined || typeof parent === "string") return undefined;
    const node = parent.children.get(name);
    if (node?.kind !== "symlink") return node;
    const target = node.target.toString("latin1").split("/");
    parts =
      target[0] === ""
        ? target.filter((part) => part !== "")
        : [...parts.slice(0, -1), ...target.filter((part) => part !== "")];
  }
  return undefined;
}
