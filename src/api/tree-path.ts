import { StoreError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { findNode } from "../store/resolve.js";
import type { DirNode, TreeNode } from "../store/tree.js";

/** An absolute path as a latin1 string standing for its bytes, without dots and double slashes. */
export function normalize(path: string | Buffer): string {
  const parts: string[] = [];
  for (const part of Buffer.from(path).toString("latin1").split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/**
 * The node at `path` of a tree; a link at its end is followed where it leads somewhere. A path that is not there is
 * taken as `ls` prints it, for no argument can hold bytes that are not UTF-8; the path that it has is returned too.
 * @throws StoreError NOT_FOUND
 */
export function requireNode(tree: DirNode, path: string): { readonly path: string; readonly node: TreeNode } {
  if (path === "/") return { path, node: tree };
  for (const at of [path, unescaped(path)]) {
    const node = findNode(tree, at) ?? nodeAt(tree, at);
    if (node !== undefined) return { path: at, node };
  }
  throw notFound(path);
}

/** What cli/render/escape.ts makes of a name, undone. Both are latin1 strings standing for bytes. */
function unescaped(path: string): string {
  return path.replace(
    /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|([nt\\]))/g,
    (_, byte?: string, code?: string, letter = "") => {
      if (byte !== undefined) return String.fromCharCode(Number.parseInt(byte, 16));
      if (code === undefined) return letter === "n" ? "\n" : letter === "t" ? "\t" : "\\";
      return Buffer.from(String.fromCharCode(Number.parseInt(code, 16))).toString("latin1");
    },
  );
}

/** The node `path` itself names: a link at its end is not followed, links on the way are. */
export function nodeAt(tree: DirNode, path: string): TreeNode | undefined {
  if (path === "/") return tree;
  const slash = path.lastIndexOf("/");
  const parent = slash === 0 ? tree : findNode(tree, path.slice(0, slash));
  return parent?.kind === "dir" ? parent.children.get(path.slice(slash + 1)) : undefined;
}

export function notFound(path: string): StoreError {
  return new StoreError("NOT_FOUND", `file: ${shownPath(path)}: not in the image`, {
    hint: "`pullrun ls IMAGE DIRECTORY` shows what is there",
  });
}

export function shownPath(path: string): string {
  return printable(Buffer.from(path, "latin1").toString());
}
