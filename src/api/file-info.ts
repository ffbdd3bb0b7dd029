import type { EntryAttributes, EntryType, LayerEntry } from "../store/entry.js";
import type { DirNode, LeafNode, TreeNode } from "../store/tree.js";

/** One name in an image or a layer. */
export interface FileInfo {
  /** From the root, with a slash in front; the bytes of the image, which need not be UTF-8. */
  readonly path: Buffer;
  readonly type: FileType;
  /** Permission bits; undefined, like all of the attributes, where the layer only implies or deletes a name. */
  readonly attributes: EntryAttributes | undefined;
  /** Bytes of data; 0 for everything but files. */
  readonly size: number;
  /** Of a symbolic link; of a hard link, the other name of the same file. */
  readonly target?: Buffer;
  readonly device?: { readonly major: number; readonly minor: number };
  /** The layer whose tar holds a file's data; 1 is the bottom. */
  readonly layer?: number;
}

/** `deleted` and `opaque` (all names of lower layers in this directory are deleted) occur in single layers only. */
export type FileType = EntryType | "deleted" | "opaque";

/** @param other another name of the same file, if one has been listed */
export function nodeInfo(path: string, node: TreeNode, other?: string): FileInfo {
  const base = { path: bytesOf(path), attributes: node.attributes };
  if (other !== undefined) {
    return { ...base, type: "hardlink", size: 0, target: bytesOf(other) };
  }
  switch (node.kind) {
    case "dir":
      return { ...base, type: "directory", size: 0 };
    case "file":
      return { ...base, type: "file", size: node.size, layer: node.layer + 1 };
    case "symlink":
      return { ...base, type: "symlink", size: 0, target: node.target };
    case "whiteout":
      return { ...base, type: "deleted", size: 0 };
    default:
      return { ...base, type: node.kind, size: 0, device: { major: node.major, minor: node.minor } };
  }
}

export function entryInfo(path: string, entry: LayerEntry, layer: number): FileInfo {
  const { type, size, link, major, minor } = entry;
  const isDevice = type === "char" || type === "block";
  return {
    path: bytesOf(path),
    type,
    attributes: entry,
    size,
    ...(type === "symlink" || type === "hardlink" ? { target: link } : {}),
    ...(isDevice ? { device: { major, minor } } : {}),
    ...(type === "file" ? { layer } : {}),
  };
}

/** Everything below a directory, names sorted by their bytes, parents before children. Paths are latin1 strings. */
export function* walkTree(path: string, node: TreeNode): Generator<readonly [string, TreeNode], void> {
  if (node.kind !== "dir") return;
  const stack = [openDirectory(path, node)];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const name = top.names.pop();
    const child = name === undefined ? undefined : top.children.get(name);
    if (name === undefined || child === undefined) {
      stack.pop();
      continue;
    }
    const at = top.prefix + name;
    yield [at, child];
    if (child.kind === "dir") stack.push(openDirectory(at, child));
  }
}

interface OpenDirectory {
  readonly prefix: string;
  readonly children: ReadonlyMap<string, TreeNode>;
  /** Those still to come, last one first, to be popped. */
  readonly names: string[];
}

function openDirectory(path: string, { children }: DirNode): OpenDirectory {
  const prefix = path === "/" ? path : `${path}/`;
  return { prefix, children, names: [...children.keys()].sort().reverse() };
}

/** Tells which earlier name, if any, a leaf had: hard links of one file share one object. */
export function createLinkTracker(): (path: string, node: TreeNode) => string | undefined {
  const first = new Map<LeafNode, string>();
  return (path, node) => {
    if (node.kind === "dir" || node.names === 1) return undefined;
    const earlier = first.get(node);
    if (earlier === undefined) first.set(node, path);
    return earlier;
  };
}

export function bytesOf(path: string): Buffer {
  return Buffer.from(path, "latin1");
}
