import { emptyTree, type DirNode, type TreeNode } from "../../src/store/tree.js";
import type { LayerEntry } from "../../src/store/entry.js";
import { applyLayer } from "../../src/store/merge.js";
import { createTarReader } from "../../src/store/tar-reader.js";
import { tar, type TarEntrySpec } from "./tar.js";

export interface Merged {
  /** The tree after each layer, bottom first; the first one is empty. */
  readonly trees: readonly DirNode[];
  readonly top: DirNode;
  readonly warnings: readonly string[];
}

/** Merges layers given as the entries of their tars. A bare string is a directory if it ends in a slash, else a file. */
export function mergeLayers(...layers: readonly (readonly (TarEntrySpec | string)[])[]): Merged {
  const warnings: string[] = [];
  const trees = [emptyTree()];
  layers.forEach((specs, index) => {
    const entries = entriesOf(
      tar(...specs.map((spec) => (typeof spec === "string" ? { name: spec } : spec))),
    );
    const layer = {
      what: `layer ${index + 1}`,
      index,
      entries,
      warn: (message: string) => warnings.push(message),
    };
    trees.push(applyLayer(trees.at(-1)!, layer));
  });
  return { trees, top: trees.at(-1)!, warnings };
}

export function entriesOf(archive: Buffer): LayerEntry[] {
  const entries: LayerEntry[] = [];
  const reader = createTarReader({
    what: "layer",
    maxEntries: 10_000,
    onEntry: (entry) => entries.push(entry),
  });
  reader.write(archive);
  reader.end();
  return entries;
}

/** One line per name, sorted: `path/` for directories, `path -> target`, `path !` for a whiteout, `path =FIRST` for a hard link. */
export function listTree(tree: DirNode): string[] {
  const first = new Map<TreeNode, string>();
  const lines: string[] = [];
  const visit = (directory: DirNode, prefix: string): void => {
    for (const [name, node] of [...directory.children].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const path = prefix + Buffer.from(name, "latin1").toString();
      if (node.kind === "dir") {
        lines.push(`${path}/`);
        visit(node, `${path}/`);
      } else {
        const earlier = first.get(node);
        if (earlier === undefined && node.names > 1) first.set(node, path);
        lines.push(path + (earlier === undefined ? suffix(node) : ` =${earlier}`));
      }
    }
  };
  visit(tree, "");
  return lines;
}

function suffix(node: TreeNode): string {
  if (node.kind === "symlink") return ` -> ${node.target.toString()}`;
  if (node.kind === "whiteout") return " !";
  return node.kind === "file" ? "" : ` (${node.kind})`;
}

/** The node at a plain path, links not followed. */
export function nodeAt(tree: DirNode, path: string): TreeNode {
  let node: TreeNode = tree;
  for (const name of path.split("/")) {
    const next: TreeNode | undefined = node.kind === "dir" ? node.children.get(name) : undefined;
    if (next === undefined) throw new Error(`no ${path} in the tree`);
    node = next;
  }
  return node;
}
