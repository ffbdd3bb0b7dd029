import { pathComponents } from "../store/entry-path.js";
import type { LayerEntry } from "../store/entry.js";
import { whiteoutOf } from "../store/whiteouts.js";
import { bytesOf, entryInfo, type FileInfo } from "./file-info.js";

interface LayerListRequest {
  /** Absolute, as a latin1 string. */
  readonly path: string;
  readonly recursive: boolean;
  readonly layer: number;
}

/**
 * What one layer's tar says about a directory or file: the names it mentions or implies, and those it deletes.
 * Undefined if it says nothing.
 */
export function listLayer(entries: Iterable<LayerEntry>, request: LayerListRequest): FileInfo[] | undefined {
  const { path, recursive, layer } = request;
  const found = new Map<string, FileInfo>();
  const prefix = path === "/" ? path : `${path}/`;
  let seen = path === "/";
  for (const entry of entries) {
    const info = infoOf(entry, layer);
    const at = info?.path.toString("latin1") ?? "/";
    if (info === undefined || (at !== path && !at.startsWith(prefix))) continue;
    seen = true;
    const below = at === path ? "" : at.slice(prefix.length);
    if (below === "") {
      if (info.type !== "directory") found.set(keyOf(at, info), info);
    } else if (recursive || !below.includes("/")) found.set(keyOf(at, info), info);
    else addImplied(found, prefix + below.slice(0, below.indexOf("/")));
  }
  if (!seen) return undefined;
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, info]) => info);
}

/** The entry by its place in the tree; whiteouts by what they delete. Undefined for aufs' bookkeeping. */
export function infoOf(entry: LayerEntry, layer: number): FileInfo | undefined {
  const parts = pathComponents(`layer ${layer}`, entry.path);
  const name = parts.at(-1);
  const parent = parts.slice(0, -1);
  const whiteout = name === undefined ? undefined : whiteoutOf(parent, name);
  const deleted = { attributes: undefined, size: 0 } as const;
  switch (whiteout?.kind) {
    case undefined:
      return entryInfo(`/${parts.join("/")}`, entry, layer);
    case "name":
      return { ...deleted, path: bytesOf(`/${[...parent, whiteout.name].join("/")}`), type: "deleted" };
    case "opaque":
      return { ...deleted, path: bytesOf(`/${parent.join("/")}`), type: "opaque" };
    case "metadata":
    case "malformed":
      return undefined;
  }
}

/** Sorts a directory before what is in it; a name may be deleted and made again in one layer. */
function keyOf(path: string, { type }: Pick<FileInfo, "type">): string {
  const kind = type === "deleted" ? 0 : type === "opaque" ? 1 : 2;
  return `${path.replaceAll("/", "\0")}\0\0${kind}`;
}

/** A directory whose own entry may follow, or be in a lower layer. */
function addImplied(found: Map<string, FileInfo>, path: string): void {
  const info: FileInfo = { path: bytesOf(path), type: "directory", attributes: undefined, size: 0 };
  const key = keyOf(path, info);
  if (!found.has(key)) found.set(key, info);
}
