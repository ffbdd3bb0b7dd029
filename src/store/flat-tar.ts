import type { FileData } from "./file-data.js";
import { encodeTarEntry, tarEnd, tarPadding, type TarEntry } from "./tar-writer.js";
import type { DirNode, LeafNode, TreeNode } from "./tree.js";

const pieceBytes = 1024 * 1024;

/**
 * A tree as one tar, in pieces of about 1 MiB that are the caller's to keep. Names are sorted by their bytes, the root
 * itself is `./`; of a file with several names the first has the data and the others are hard links to it.
 */
export function* flatTar(tree: DirNode, data: FileData): Generator<Buffer, void> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for (const part of tarParts(tree, data)) {
    parts.push(part);
    bytes += part.length;
    // Also at once when file data fills a piece: its memory is used again for the next.
    if (bytes < pieceBytes) continue;
    yield Buffer.concat(parts);
    parts = [];
    bytes = 0;
  }
  yield Buffer.concat([...parts, tarEnd]);
}

function* tarParts(tree: DirNode, data: FileData): Generator<Buffer, void> {
  const written = new Map<LeafNode, Buffer>();
  const stack = [{ path: "", rest: sorted(tree) }];
  yield encodeTarEntry(entryOf(Buffer.from("./"), tree, undefined));
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const next = frame.rest.pop();
    if (next === undefined) {
      stack.pop();
      continue;
    }
    const [name, node] = next;
    const path = frame.path + name;
    if (node.kind === "dir") {
      yield encodeTarEntry(entryOf(Buffer.from(`${path}/`, "latin1"), node, undefined));
      stack.push({ path: `${path}/`, rest: sorted(node) });
      continue;
    }
    const bytes = Buffer.from(path, "latin1");
    const first = written.get(node);
    if (node.names > 1 && first === undefined) written.set(node, bytes);
    yield encodeTarEntry(entryOf(bytes, node, first));
    if (node.kind === "file" && first === undefined) {
      yield* data.read(node);
      yield tarPadding(node.size);
    }
  }
}

/** Last one first, to be popped. */
function sorted({ children }: DirNode): [string, TreeNode][] {
  return [...children].sort(([a], [b]) => (a < b ? 1 : -1));
}

const empty = Buffer.alloc(0);
const types = {
  dir: "directory",
  symlink: "symlink",
  file: "file",
  char: "char",
  block: "block",
  fifo: "fifo",
} as const;

function entryOf(path: Buffer, node: TreeNode, first: Buffer | undefined): TarEntry {
  const { mode, uid, gid, mtime, mtimeNs, xattrs } = node.attributes;
  const base = { path, mode, uid, gid, mtime, mtimeNs, xattrs, size: 0, link: empty, major: 0, minor: 0 };
  if (first !== undefined) return { ...base, type: "hardlink", link: first, xattrs: [] };
  if (node.kind === "whiteout") throw new Error("a merged tree has no whiteouts");
  const entry = { ...base, type: types[node.kind] };
  if (node.kind === "file") return { ...entry, size: node.size };
  if (node.kind === "symlink") return { ...entry, link: node.target };
  return node.kind === "dir" ? entry : { ...entry, major: node.major, minor: node.minor };
}
