import { readdirSync, readFileSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { hexOf, type DiffId, type Digest } from "../core/digest.js";
import { StoreError } from "../core/errors.js";
import { ociIndex } from "../core/media-types.js";
import { printable } from "../core/text.js";
import {
  atomicCreate,
  makeDirectories,
  temporaryPrefix,
  unlessAbsent,
  withIoErrors,
  withStoreErrors,
} from "./files.js";

/** Where everything in a store is. Absolute paths; nothing here touches the disk. */
export interface StorePaths {
  readonly root: string;
  readonly index: string;
  /** Held while index.json is read, changed and written, and while an image is removed. */
  readonly lock: string;
  readonly blobs: string;
  /** Holds downloads, and what running pulls reserve. */
  readonly ingests: string;
  readonly layers: string;
  readonly rootfs: string;
  readonly containers: string;
  /** Holds a symbolic link to the id for every name that is taken. */
  readonly names: string;
  /** Not there before the first volume is. */
  readonly volumes: string;
  blob(digest: Digest): string;
  /** Directory of a download: `data` and `lock`. */
  ingest(digest: Digest): string;
  /** Directory of an unpacked layer: `tar` and `entries`. */
  layer(diffId: DiffId): string;
}

/** Counts incompatible changes of the parts that are ours (not the OCI layout's): layers/, rootfs/, ingest/. */
const schemaVersion = 1;
export const layoutFile = '{"imageLayoutVersion":"1.0.0"}';
const emptyIndex = `{"schemaVersion":2,"mediaType":"${ociIndex}","manifests":[]}`;
const ourNames = [
  "oci-layout",
  "index.json",
  "version",
  "lock",
  "blobs",
  "ingest",
  "layers",
  "rootfs",
  "containers",
  "names",
  "volumes",
];

export function storePaths(root: string): StorePaths {
  const at = (...parts: string[]): string => path.join(root, ...parts);
  return {
    root,
    index: at("index.json"),
    lock: at("lock"),
    blobs: at("blobs", "sha256"),
    ingests: at("ingest"),
    layers: at("layers"),
    rootfs: at("rootfs"),
    containers: at("containers"),
    names: at("names"),
    volumes: at("volumes"),
    blob: (digest) => at("blobs", "sha256", hexOf(digest)),
    ingest: (digest) => at("ingest", `sha256-${hexOf(digest)}`),
    layer: (diffId) => at("layers", hexOf(diffId)),
  };
}

/** The tar of each layer, in the layers' order. */
export function layerTars({
  paths,
  diffIds,
}: {
  readonly paths: StorePaths;
  readonly diffIds: readonly DiffId[];
}): string[] {
  return diffIds.map((diffId) => path.join(paths.layer(diffId), "tar"));
}

/**
 * Opens the store at `root`, making it if `create`. Any number of processes may do so at once.
 * @throws StoreError NOT_FOUND (absent, without `create`), SCHEMA_NEWER, CORRUPT (a directory of something else), STORE_IO
 */
export async function openLayout(root: string, options: { readonly create: boolean }): Promise<StorePaths> {
  const paths = storePaths(path.resolve(root));
  const names = await withIoErrors("store", root, async () => listNames(paths.root));
  if (names === undefined && !options.create) {
    const hint = "`pullrun pull IMAGE` makes it; --root DIR or PULLRUN_ROOT names another";
    throw new StoreError("NOT_FOUND", `store: ${printable(root)}: does not exist`, { hint });
  }
  checkVersion(paths.root);
  if (names === undefined || !isComplete(names)) await createLayout(paths, names ?? []);
  return paths;
}

function isComplete(names: readonly string[]): boolean {
  return ["version", "oci-layout", "index.json", "blobs", "ingest", "layers", "rootfs", "containers"].every(
    (name) => names.includes(name),
  );
}

async function createLayout(paths: StorePaths, names: readonly string[]): Promise<void> {
  const foreign = names.find((name) => !ourNames.includes(name) && !name.startsWith(temporaryPrefix));
  if (foreign !== undefined && !names.includes("oci-layout")) {
    const message = `store: ${printable(paths.root)}: holds ${printable(foreign, 60)} and is no store (expected an empty directory)`;
    throw new StoreError("CORRUPT", message, { hint: "name an empty or a new directory with --root" });
  }
  await withStoreErrors("store", paths.root, async () => {
    await makeDirectories(paths.root, 0o700);
    await mkdir(paths.blobs, { recursive: true });
    // 0700 each: they hold setuid files and other people's secrets whatever mode an existing root has.
    for (const name of ["ingest", "layers", "rootfs", "containers"]) {
      await mkdir(path.join(paths.root, name), { recursive: true, mode: 0o700 });
    }
  });
  await atomicCreate(path.join(paths.root, "version"), Buffer.from(`${schemaVersion}\n`));
  // Of a store that has content it is missing: an empty one would say that there are no images, and prune would agree.
  if (!(await holdsFiles(paths.blobs))) await atomicCreate(paths.index, Buffer.from(emptyIndex));
  await atomicCreate(path.join(paths.root, "oci-layout"), Buffer.from(layoutFile));
}

async function holdsFiles(directory: string): Promise<boolean> {
  return (await withStoreErrors("store", directory, () => readdir(directory))).length > 0;
}

function checkVersion(root: string): void {
  const text = unlessAbsent(() => readFileSync(path.join(root, "version"), "latin1"));
  if (text === undefined) return;
  const version = /^[0-9]{1,6}\n?$/.test(text) ? Number(text) : Number.NaN;
  if (version === schemaVersion) return;
  const found = `store: ${printable(root)}: version is ${printable(text.replace(/\n$/, ""), 20)} (expected ${schemaVersion})`;
  if (version > schemaVersion) {
    throw new StoreError("SCHEMA_NEWER", found, {
      hint: "a newer pullrun made this store: use that one, or another --root",
    });
  }
  throw new StoreError("CORRUPT", found, { hint: "use another --root" });
}

function listNames(directory: string): string[] | undefined {
  return unlessAbsent(() => readdirSync(directory));
}
