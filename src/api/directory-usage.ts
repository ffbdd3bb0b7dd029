import { StoreError } from "../core/errors.js";
import type { DirNode, FileNode, TreeNode } from "../store/tree.js";
import { bytesOf, walkTree } from "./file-info.js";
import { normalize, requireNode, shownPath } from "./tree-path.js";

export interface DirectoryUsage {
  readonly path: Buffer;
  readonly files: number;
  readonly bytes: number;
}

export interface DirectoryRequest {
  /** Directory to list the usage below. */
  readonly path: string;
  /** How many levels of directories below `path` to list. */
  readonly depth: number;
}

/** Biggest first. @throws StoreError NOT_FOUND */
export function directoriesBelow(tree: DirNode, request: DirectoryRequest): DirectoryUsage[] {
  const { path: top, node: start } = requireNode(tree, normalize(request.path));
  if (start.kind !== "dir") {
    throw new StoreError("NOT_FOUND", `file: ${shownPath(top)}: is a ${start.kind} (expected a directory)`);
  }
  const found = new Map<string, { files: number; bytes: number }>([[top, { files: 0, bytes: 0 }]]);
  const counted = new Set<FileNode>();
  const base = top === "/" ? 0 : top.split("/").length - 1;
  for (const [path, node] of walkTree(top, start)) {
    const parts = path.split("/").slice(1, node.kind === "dir" ? undefined : -1);
    if (node.kind === "dir") {
      if (parts.length - base <= request.depth) found.set(path, { files: 0, bytes: 0 });
    } else addTo(found, { node, parts, base, depth: request.depth, bytes: newBytes(node, counted) });
  }
  return [...found]
    .map(([path, usage]) => ({ path: bytesOf(path), ...usage }))
    .sort((a, b) => b.bytes - a.bytes);
}

interface Addition {
  readonly node: TreeNode;
  /** Names of the directories the node is in, from the root. */
  readonly parts: readonly string[];
  readonly base: number;
  readonly depth: number;
  readonly bytes: number;
}

function addTo(
  found: ReadonlyMap<string, { files: number; bytes: number }>,
  { node, parts, base, depth, bytes }: Addition,
): void {
  for (let level = base; level <= Math.min(parts.length, base + depth); level++) {
    const usage = found.get(`/${parts.slice(0, level).join("/")}`);
    if (usage === undefined) continue;
    usage.bytes += bytes;
    if (node.kind === "file") usage.files++;
  }
}

function newBytes(node: TreeNode, counted: Set<FileNode>): number {
  if (node.kind !== "file" || counted.has(node)) return 0;
  counted.add(node);
  return node.size;
}
