import { lstat, readdir } from "node:fs/promises";
import path from "node:path";
import { parseDigest, type DiffId, type Digest } from "../core/digest.js";
import { errnoOf } from "../core/errors.js";
import { temporaryPrefix } from "./files.js";
import type { StorePaths } from "./layout.js";

/** Something in the store whose name says what it is. Names we do not give are in no inventory: nobody touches them. */
export type StoreItem =
  | (Found & { readonly kind: "blob"; readonly digest: Digest })
  | (Found & { readonly kind: "layer"; readonly diffId: DiffId })
  /** A root file system of any driver, or the facts beside one. */
  | (Found & { readonly kind: "rootfs"; readonly chainId: Digest })
  /** A partial download with its lock. */
  | (Found & { readonly kind: "download"; readonly digest: Digest })
  /** A layer while it is unpacked, by whoever downloads `digest`. */
  | (Found & { readonly kind: "unpacking"; readonly digest: Digest })
  /** A file or tree somebody was writing or deleting when it died, or still is. */
  | (Found & { readonly kind: "temporary" });

export type ItemKind = StoreItem["kind"];

interface Found {
  /** Absolute. */
  readonly path: string;
  /** Milliseconds since 1970 when it last changed. */
  readonly changed: number;
}

const hex = /^[0-9a-f]{64}$/;

/** Everything in the store that we know by its name, in no order. */
export async function takeInventory(paths: StorePaths): Promise<StoreItem[]> {
  const found = await Promise.all([
    list(paths.blobs, "mtime", (name) => (hex.test(name) ? { kind: "blob", digest: of(name) } : undefined)),
    list(paths.layers, "mtime", layerKind),
    // The time of a root directory is the image's own.
    list(paths.rootfs, "ctime", rootfsKind),
    list(paths.ingests, "mtime", ingestKind),
    list(paths.root, "mtime", () => undefined),
  ]);
  return found.flat();
}

type Kind =
  | { readonly kind: "blob" | "download" | "unpacking"; readonly digest: Digest }
  | { readonly kind: "layer"; readonly diffId: DiffId }
  | { readonly kind: "rootfs"; readonly chainId: Digest };

async function list(
  directory: string,
  time: "mtime" | "ctime",
  kindOf: (name: string) => Kind | undefined,
): Promise<StoreItem[]> {
  const items: StoreItem[] = [];
  for (const name of await readdir(directory)) {
    const kind = name.startsWith(temporaryPrefix) ? ({ kind: "temporary" } as const) : kindOf(name);
    if (kind === undefined) continue;
    const file = path.join(directory, name);
    // A download is as old as its last byte.
    const dated = kind.kind === "download" ? path.join(file, "data") : file;
    const found = (await lstatIfThere(dated)) ?? (await lstatIfThere(file));
    if (found !== undefined) items.push({ ...kind, path: file, changed: found[`${time}Ms`] });
  }
  return items;
}

function layerKind(name: string): Kind | undefined {
  if (hex.test(name)) return { kind: "layer", diffId: of(name) as DiffId };
  const match = /^[0-9a-f]{64}\.tmp-([0-9a-f]{64})$/.exec(name);
  return match === null ? undefined : { kind: "unpacking", digest: of(match[1] ?? "") };
}

/** `HEX`, `HEX.FLAVOUR`, `HEX.erofs`, and `.json` after any of them. */
function rootfsKind(name: string): Kind | undefined {
  const match = /^([0-9a-f]{64})(?:[.+][a-z0-9.+-]+)?$/.exec(name);
  return match === null ? undefined : { kind: "rootfs", chainId: of(match[1] ?? "") };
}

function ingestKind(name: string): Kind | undefined {
  const match = /^sha256-([0-9a-f]{64})$/.exec(name);
  return match === null ? undefined : { kind: "download", digest: of(match[1] ?? "") };
}

function of(name: string): Digest {
  return parseDigest(`sha256:${name}`);
}

async function lstatIfThere(file: string) {
  return lstat(file).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  });
}

/** Bytes on disk below `file`, as far as we may look; a hard-linked file counts once. */
export async function diskBytes(file: string): Promise<number> {
  let bytes = 0;
  const seen = new Set<number>();
  const pending = [file];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const found = await lstatIfThere(next);
    if (found === undefined || seen.has(found.ino)) continue;
    if (found.nlink > 1 && !found.isDirectory()) seen.add(found.ino);
    bytes += found.blocks * 512;
    if (!found.isDirectory()) continue;
    const directory = next;
    const names = await readdir(directory).catch(ifDenied);
    pending.push(...names.map((name) => path.join(directory, name)));
  }
  return bytes;
}

/** Directories of a rootless image's own users are closed to us. */
function ifDenied(error: unknown): string[] {
  if (errnoOf(error) === "EACCES" || errnoOf(error) === "ENOENT") return [];
  throw error;
}
