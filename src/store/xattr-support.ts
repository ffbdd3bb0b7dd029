import { rmdir } from "node:fs/promises";
import { LaunchError } from "../core/errors.js";
import type { Privilege } from "../helper/privilege.js";
import type { Xattr } from "./entry.js";
import { temporaryName } from "./files.js";
import { keptXattrs, namespaceOf } from "./kept-xattrs.js";
import { materialise, type MaterialiseOptions } from "./materialise.js";
import { newDirectory, type DirNode, type TreeNode } from "./tree.js";

/**
 * Namespaces of the tree's extended attributes that the file system of `target`, a directory, does not take (ramfs none of
 * them, tmpfs before Linux 6.6 no user.*). Found by trying, as nothing tells it; what else goes wrong shows when the tree
 * is made.
 */
export async function unsupportedXattrs(
  tree: DirNode,
  options: MaterialiseOptions,
): Promise<ReadonlySet<string>> {
  const unsupported = new Set<string>();
  for (const [namespace, xattr] of samples(tree, options.privilege))
    if (await isUnsupported(xattr, options)) unsupported.add(namespace);
  return unsupported;
}

/** One attribute of each namespace, of those that would be set. */
function samples(tree: DirNode, privilege: Privilege): ReadonlyMap<string, Xattr> {
  const place = { privilege, unsupported: new Set<string>(), say: () => undefined };
  const found = new Map<string, Xattr>();
  const pending: TreeNode[] = [tree];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    for (const xattr of keptXattrs(node, place)) found.set(namespaceOf(xattr), xattr);
    if (node.kind === "dir") for (const child of node.children.values()) pending.push(child);
  }
  return found;
}

/** A directory takes what a file does, and default ACLs besides. */
async function isUnsupported(xattr: Xattr, options: MaterialiseOptions): Promise<boolean> {
  const empty = newDirectory(0);
  empty.attributes = { ...empty.attributes, xattrs: [xattr] };
  const target = temporaryName(options.target);
  try {
    await materialise(empty, { ...options, target });
    return false;
  } catch (error) {
    const errno = error instanceof LaunchError ? error.info.details?.["errno"] : undefined;
    return errno === "ENOTSUP" || errno === "EOPNOTSUPP";
  } finally {
    await rmdir(target).catch(() => undefined);
  }
}
