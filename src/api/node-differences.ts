import type { EntryAttributes } from "../store/entry.js";
import type { FileNode, TreeNode } from "../store/tree.js";

export type Difference = "type" | "content" | "mode" | "owner" | "target" | "device" | "xattrs";

/** In what two nodes of one name differ, times aside. `sameContent` is asked about files of equal size only. */
export function differences(
  before: TreeNode,
  after: TreeNode,
  sameContent: (before: FileNode, after: FileNode) => boolean,
): Difference[] {
  if (before === after) return [];
  if (before.kind !== after.kind) return ["type"];
  return [...contentDifferences(before, after, sameContent), ...attributeDifferences(before, after)];
}

function contentDifferences(
  before: TreeNode,
  after: TreeNode,
  sameContent: (before: FileNode, after: FileNode) => boolean,
): Difference[] {
  if (before.kind === "file" && after.kind === "file") {
    return before.size === after.size && sameContent(before, after) ? [] : ["content"];
  }
  if (before.kind === "symlink" && after.kind === "symlink") {
    return before.target.equals(after.target) ? [] : ["target"];
  }
  if ("major" in before && "major" in after) {
    return before.major === after.major && before.minor === after.minor ? [] : ["device"];
  }
  return [];
}

function attributeDifferences({ attributes: a }: TreeNode, { attributes: b }: TreeNode): Difference[] {
  const found: Difference[] = [];
  if (a.mode !== b.mode) found.push("mode");
  if (a.uid !== b.uid || a.gid !== b.gid) found.push("owner");
  if (xattrKey(a) !== xattrKey(b)) found.push("xattrs");
  return found;
}

/** Equal for equal sets of attributes, in whatever order the tars have them. */
function xattrKey({ xattrs }: EntryAttributes): string {
  return xattrs
    .map(({ name, value }) => `${name.toString("hex")}=${value.toString("hex")}`)
    .sort()
    .join(",");
}
