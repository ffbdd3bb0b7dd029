import { printable } from "../core/text.js";
import type { Privilege } from "../helper/privilege.js";
import type { Xattr } from "./entry.js";
import type { TreeNode } from "./tree.js";

/** Takes a warning, and of which kind it is. */
export type Say = (kind: string, message: string) => void;

export interface XattrPlace {
  readonly privilege: Privilege;
  /** Namespaces that the file system does not take. */
  readonly unsupported: ReadonlySet<string>;
  readonly say: Say;
}

/** Linux XATTR_NAME_MAX. */
const maxXattrName = 255;

/** The extended attributes that a file can be given; what else it has, and is a loss, is told of. */
export function keptXattrs({ kind, attributes }: TreeNode, place: XattrPlace): readonly Xattr[] {
  const { privilege, unsupported, say } = place;
  if (attributes.xattrs.length === 0) return attributes.xattrs;
  const leaveOut = (what: string, name: Buffer, why: string): false => {
    const shown = printable(JSON.stringify(name.toString()));
    say(what, `extended attributes such as ${shown} were left out: ${why}`);
    return false;
  };
  return attributes.xattrs.filter((xattr) => {
    const { name } = xattr;
    const key = name.toString("latin1");
    if (!isNative(key)) return leaveOut("foreign", name, "Linux has none of that kind");
    if (!isFor(kind, key)) return false;
    const namespace = namespaceOf(xattr);
    if (namespace !== "user" && !isSettable(key, privilege))
      return leaveOut(namespace, name, "setting them takes root");
    if (!unsupported.has(namespace)) return true;
    return leaveOut(`unsupported ${namespace}`, name, "the file system of the target does not take them");
  });
}

/** `user`, `trusted`, `security` or `system`: what a file system takes, it takes of a whole namespace. */
export function namespaceOf({ name }: Xattr): string {
  const [namespace = ""] = name.toString("latin1").split(".", 1);
  return namespace;
}

/** Archives made on macOS have `com.apple.*` on every file; docker leaves out what the kernel does not take, too. */
function isNative(key: string): boolean {
  return (
    key.length <= maxXattrName &&
    /^(?:(?:user|trusted|security)\.[^\0]+|system\.posix_acl_(?:access|default))$/.test(key)
  );
}

/** The kernel takes user.* on files and directories only (xattr(7)), and no ACLs of symlinks (acl(5)). */
function isFor(kind: TreeNode["kind"], key: string): boolean {
  if (key === "system.posix_acl_default") return kind === "dir";
  if (key === "system.posix_acl_access") return kind !== "symlink";
  return kind === "file" || kind === "dir" || !key.startsWith("user.");
}

/** In a user namespace file capabilities and ACLs work, but trusted.* is never allowed (xattr(7)). */
function isSettable(key: string, privilege: Privilege): boolean {
  if (privilege.kind === "root") return true;
  return (
    privilege.kind === "subordinate" && (key === "security.capability" || key.startsWith("system.posix_acl_"))
  );
}
