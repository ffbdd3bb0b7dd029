import type { Stats } from "node:fs";
import { lstat, open, readdir, readlink, type FileHandle } from "node:fs/promises";
import { errnoOf } from "../core/errors.js";
import { printable } from "../core/text.js";
import type { OwnerPolicy } from "./owners.js";
import type { DirNode, FileNode, TreeNode } from "./tree.js";

export interface CompareOptions {
  /** The tar of each layer, in the order file nodes number them. */
  readonly tars: readonly string[];
  readonly policy: OwnerPolicy;
  /** Owners on disk are the image's own: no user namespace stands between. */
  readonly owned: boolean;
}

interface Walk extends CompareOptions {
  readonly handles: readonly FileHandle[];
}

/**
 * The first thing in `directory` that is not as materialising `tree` leaves it: names, types, modes, owners, times,
 * link targets, contents. Extended attributes, which Node cannot read, and what only its owner may see are taken as good.
 */
export async function firstDifference(
  tree: DirNode,
  directory: string,
  options: CompareOptions,
): Promise<string | undefined> {
  const handles: FileHandle[] = [];
  try {
    for (const tar of options.tars) handles.push(await open(tar, "r"));
    return await walk({ ...options, handles }, tree, Buffer.from(directory));
  } finally {
    for (const handle of handles) await handle.close();
  }
}

interface Place {
  readonly node: TreeNode;
  readonly file: Buffer;
  /** From the root, for people. */
  readonly shown: string;
}

async function walk(options: Walk, tree: DirNode, root: Buffer): Promise<string | undefined> {
  const pending: Place[] = [{ node: tree, file: root, shown: "/" }];
  for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
    const { node, file, shown } = place;
    const found = await lstat(file).catch(ifClosed);
    if (found === undefined) continue;
    const difference = await compareNode(options, place, found);
    if (difference !== undefined) return `${printable(shown)}: ${difference}`;
    if (node.kind !== "dir") continue;
    const names = await readdir(file, { encoding: "buffer" }).catch(ifClosed);
    if (names === undefined) continue;
    const children = [...node.children].filter(([, child]) => options.policy.includes(child));
    const expected = new Set(children.map(([name]) => name));
    const actual = new Set(names.map((name) => name.toString("latin1")));
    const [odd] = [...expected.symmetricDifference(actual)];
    if (odd !== undefined)
      return `${printable(shown + odd)}: ${expected.has(odd) ? "missing" : "not of the image"}`;
    for (const [name, child] of children) {
      const below = Buffer.concat([file, Buffer.from("/"), Buffer.from(name, "latin1")]);
      pending.push({ node: child, file: below, shown: `${shown}${name}${child.kind === "dir" ? "/" : ""}` });
    }
  }
  return undefined;
}

async function compareNode(options: Walk, { node, file, shown }: Place, found: Stats) {
  const kind = kindOf(found);
  const wanted = node.kind === "whiteout" ? "char" : node.kind;
  if (kind !== wanted) return `is a ${kind} (expected a ${wanted})`;
  if (node.kind === "whiteout") return found.rdev === 0 ? undefined : "is a device (expected a whiteout)";
  const meta = options.policy.metaOf(node, () => shown);
  const mode = found.mode & 0o7777;
  if (node.kind !== "symlink" && mode !== (meta.mode & 0o7777))
    return `mode is ${mode.toString(8)} (expected ${(meta.mode & 0o7777).toString(8)})`;
  if (options.owned && (found.uid !== meta.uid || found.gid !== meta.gid))
    return `owner is ${found.uid}:${found.gid} (expected ${meta.uid}:${meta.gid})`;
  if (Math.floor(found.mtimeMs / 1000) !== meta.mtime) return "its time has changed";
  if (node.kind === "symlink") {
    const target = await readlink(file, { encoding: "buffer" });
    return target.equals(node.target) ? undefined : "leads elsewhere";
  }
  return node.kind === "file" ? compareContent(options, { node, file, found }) : undefined;
}

const pieceBytes = 256 * 1024;

async function compareContent(
  { handles }: Walk,
  { node, file, found }: { readonly node: FileNode; readonly file: Buffer; readonly found: Stats },
): Promise<string | undefined> {
  if (found.size !== node.size) return `${found.size} bytes (expected ${node.size})`;
  const tar = handles[node.layer];
  if (node.size === 0 || tar === undefined) return undefined;
  await using content = await open(file, "r").catch(ifClosed);
  if (content === undefined) return undefined;
  const [ours, theirs] = [Buffer.alloc(pieceBytes), Buffer.alloc(pieceBytes)];
  for (let at = 0; at < node.size; at += pieceBytes) {
    const length = Math.min(pieceBytes, node.size - at);
    await content.read(ours, 0, length, at);
    await tar.read(theirs, 0, length, node.offset + at);
    if (!ours.subarray(0, length).equals(theirs.subarray(0, length))) return "its content has changed";
  }
  return undefined;
}

function kindOf(found: Stats): TreeNode["kind"] | "socket" {
  if (found.isDirectory()) return "dir";
  if (found.isFile()) return "file";
  if (found.isSymbolicLink()) return "symlink";
  if (found.isCharacterDevice()) return "char";
  if (found.isBlockDevice()) return "block";
  return found.isFIFO() ? "fifo" : "socket";
}

/** Files of ids that only exist in a user namespace. */
function ifClosed(error: unknown): undefined {
  if (errnoOf(error) === "EACCES") return undefined;
  throw error;
}
