import { limits } from "../core/limits.js";
import { printable } from "../core/text.js";
import type { EntryAttributes, LayerEntry } from "./entry.js";
import { keptAttributes } from "./entry-attributes.js";
import { isComponent, pathComponents, refused, splitPath } from "./entry-path.js";
import { walk } from "./resolve.js";
import { newDirectory, ownedCopy, putChild, type DirNode, type LeafNode, type TreeNode } from "./tree.js";
import { applyWhiteout, whiteoutOf } from "./whiteouts.js";

/** One layer to merge. */
export interface MergeLayer {
  /** Names the layer in errors. */
  readonly what: string;
  /** Its position in the image, 0 = bottom; layers are merged in that order. */
  readonly index: number;
  readonly entries: Iterable<LayerEntry>;
  warn(message: string): void;
}

/**
 * `lower` with a layer on top (image-spec layer.md, "Applying Changesets"); `lower` itself is not changed. Whiteouts
 * affect only what lower layers put there, wherever in the layer they stand; parents are looked up through the links
 * of the tree, as in a chroot.
 * @throws LayerError PATH_ESCAPE, BAD_TAR, TOO_BIG naming layer and path
 */
export function applyLayer(lower: DirNode, layer: MergeLayer): DirNode {
  const merge: Merge = {
    root: ownedCopy(lower, layer.index),
    layer,
    recent: undefined,
    attributes: undefined,
  };
  for (const entry of layer.entries) applyEntry(merge, entry);
  return merge.root;
}

interface Merge {
  readonly root: DirNode;
  readonly layer: MergeLayer;
  /** Where the last entry was put, for the next is mostly put beside it; undefined if its way may have changed since. */
  recent: { readonly prefix: string; readonly parent: DirNode } | undefined;
  /** Of the last entry. */
  attributes: EntryAttributes | undefined;
}

function applyEntry(merge: Merge, entry: LayerEntry): void {
  const beside = besideRecent(merge, entry.path);
  if (beside !== undefined) return place(merge, entry, beside);
  const parts = pathComponents(merge.layer.what, entry.path);
  const name = parts.pop();
  if (name === undefined) return applyRoot(merge, entry);
  const whiteout = whiteoutOf(parts, name);
  if (whiteout === undefined) {
    const parent = parentOf(merge, entry, parts);
    const [prefix, last] = splitPath(entry.path);
    merge.recent = last === name ? { prefix, parent } : undefined;
    return place(merge, entry, { parent, name });
  }
  if (whiteout.kind === "malformed") throw bad(merge, entry, "is a whiteout of nothing");
  if (whiteout.kind === "metadata") return;
  merge.recent = undefined;
  const parent = existingParent(merge, entry, parts);
  if (parent !== undefined) applyWhiteout(parent, whiteout, merge.layer.index);
}

/** The place of an entry that lies in the same directory as the last, if nothing about its name is special. */
function besideRecent({ recent }: Merge, path: Buffer): Place | undefined {
  if (recent === undefined || path.length > limits.pathBytes) return undefined;
  const [prefix, name] = splitPath(path);
  if (prefix !== recent.prefix || !isComponent(name) || whiteoutOf([], name) !== undefined) return undefined;
  return { parent: recent.parent, name };
}

function applyRoot(merge: Merge, entry: LayerEntry): void {
  if (entry.type !== "directory") throw bad(merge, entry, "would replace the root directory");
  merge.root.attributes = attributesOf(merge, entry);
}

interface Place {
  readonly parent: DirNode;
  readonly name: string;
}

function place(merge: Merge, entry: LayerEntry, { parent, name }: Place): void {
  const existing = parent.children.get(name);
  if (existing?.kind === "dir" || existing?.kind === "symlink") merge.recent = undefined;
  const node = nodeFor(merge, entry, existing);
  if (node === undefined) return;
  putChild(parent, name, node);
}

/** The node for an entry where `existing` is now; undefined for what is never created. */
function nodeFor(merge: Merge, entry: LayerEntry, existing: TreeNode | undefined): TreeNode | undefined {
  const attributes = attributesOf(merge, entry);
  const { index } = merge.layer;
  switch (entry.type) {
    case "directory": {
      // Only a directory survives being announced again: a link in its place is replaced, not followed.
      if (existing?.kind !== "dir") return newDirectory(index, attributes);
      const directory = ownedCopy(existing, index);
      directory.attributes = attributes;
      return directory;
    }
    case "file":
      return { kind: "file", attributes, names: 1, size: entry.size, layer: index, offset: entry.offset };
    case "symlink":
      return { kind: "symlink", attributes, names: 1, target: entry.link };
    case "hardlink":
      return linkTarget(merge, entry);
    default: {
      if (entry.type !== "char" || entry.major !== 0 || entry.minor !== 0) {
        return { kind: entry.type, attributes, names: 1, major: entry.major, minor: entry.minor };
      }
      // In an overlay this is a whiteout (kernel overlayfs.rst), so an image could hide files by it.
      merge.layer.warn(`${merge.layer.what}: left out a device 0:0, which would delete a file`);
      return undefined;
    }
  }
}

function linkTarget(merge: Merge, entry: LayerEntry): LeafNode {
  const parts = pathComponents(merge.layer.what, entry.link);
  const name = parts.pop();
  const parent = name === undefined ? undefined : existingParent(merge, entry, parts);
  // The link's own target is not followed: a hard link to a symbolic link is one more name of the link.
  const target = name === undefined ? undefined : parent?.children.get(name);
  const shown = printable(JSON.stringify(entry.link.toString("utf8")));
  if (target === undefined) throw bad(merge, entry, `is a hard link to ${shown}, which is not in the image`);
  if (target.kind === "dir") throw bad(merge, entry, `is a hard link to the directory ${shown}`);
  target.names++;
  return target;
}

/** The directory `parts` lead to, made where it is missing. */
function parentOf(merge: Merge, entry: LayerEntry, parts: readonly string[]): DirNode {
  const { index } = merge.layer;
  const found = walk(merge.root, parts, {
    enter: (parent, name, child) => own(parent, name, { child, index }),
    missing(parent, name) {
      const made = newDirectory(index);
      putChild(parent, name, made);
      return made;
    },
  });
  if (typeof found === "object") return found;
  throw bad(merge, entry, walkProblems[found]);
}

function existingParent(merge: Merge, entry: LayerEntry, parts: readonly string[]): DirNode | undefined {
  const { index } = merge.layer;
  const found = walk(merge.root, parts, {
    enter: (parent, name, child) => own(parent, name, { child, index }),
    missing: () => undefined,
  });
  if (found === "loop" || found === "too-deep") throw bad(merge, entry, walkProblems[found]);
  return typeof found === "object" ? found : undefined;
}

function own(parent: DirNode, name: string, { child, index }: { child: DirNode; index: number }): DirNode {
  const copy = ownedCopy(child, index);
  if (copy !== child) parent.children.set(name, copy);
  return copy;
}

const walkProblems = {
  loop: "its parent is a loop of symbolic links",
  missing: "its parent does not exist",
  "too-deep": `its parent is nested deeper than ${limits.directoryDepth} directories`,
  "not-a-directory": "its parent is not a directory",
} as const;

function attributesOf(merge: Merge, entry: LayerEntry): EntryAttributes {
  merge.attributes = keptAttributes(entry, merge.attributes);
  return merge.attributes;
}

function bad(merge: Merge, entry: LayerEntry, problem: string): Error {
  return refused(merge.layer.what, entry.path, { code: "BAD_TAR", problem });
}
