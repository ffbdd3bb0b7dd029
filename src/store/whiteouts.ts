import { isFresh, ownedCopy, type DirNode } from "./tree.js";

/** image-spec layer.md, "Whiteouts"; `.wh..wh.` is aufs' own prefix, of which only the opaque mark has a meaning. */
const prefix = ".wh.";
const metadataPrefix = ".wh..wh.";
const opaqueMark = ".wh..wh..opq";

export type Whiteout =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "opaque" }
  /** aufs bookkeeping (`.wh..wh.plnk`, `.wh..wh.aufs`): neither creates nor deletes anything. */
  | { readonly kind: "metadata" }
  | { readonly kind: "malformed" };

/** What the entry `name` in the directory `parents` deletes; undefined if it is an ordinary entry. */
export function whiteoutOf(parents: readonly string[], name: string): Whiteout | undefined {
  if (parents.some((parent) => parent.startsWith(metadataPrefix))) return { kind: "metadata" };
  if (!name.startsWith(prefix)) return undefined;
  if (name === opaqueMark) return { kind: "opaque" };
  if (name.startsWith(metadataPrefix)) return { kind: "metadata" };
  const target = name.slice(prefix.length);
  return target === "" || target === "." || target === ".."
    ? { kind: "malformed" }
    : { kind: "name", name: target };
}

/** Whether an entry deletes something, or is aufs' bookkeeping, by its name alone: not worth a path of its own. */
export function isWhiteoutName(path: Buffer): boolean {
  const name = path.lastIndexOf(0x2f) + 1;
  return path.toString("latin1", name, name + prefix.length) === prefix;
}

/** Deletes from `directory`, which belongs to merge `owner`, what lower layers put there and the whiteout names. */
export function applyWhiteout(
  directory: DirNode,
  whiteout: Extract<Whiteout, { kind: "name" | "opaque" }>,
  owner: number,
): void {
  const names = whiteout.kind === "name" ? [whiteout.name] : [...directory.children.keys()];
  for (const name of names) removeLower(directory, name, owner);
}

function removeLower(directory: DirNode, name: string, owner: number): void {
  const child = directory.children.get(name);
  if (child === undefined) return;
  const fresh = isFresh(directory, name, child);
  if (child.kind !== "dir" || (!fresh && child.owner !== owner)) {
    if (!fresh) directory.children.delete(name);
    return;
  }
  // A directory of this layer, or one it put something into: keep just that.
  const own = ownedCopy(child, owner);
  directory.children.set(name, own);
  for (const inner of [...own.children.keys()]) removeLower(own, inner, owner);
  if (!fresh && own.children.size === 0) directory.children.delete(name);
}
