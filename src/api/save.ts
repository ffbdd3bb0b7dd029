import { UsageError } from "../core/errors.js";
import { familiarName, parseReference } from "../core/reference.js";
import type { ArchiveSink, SavedImage } from "../store/archives.js";
import type { StoredImage } from "../store/refs.js";
import type { Store } from "../store/store.js";
import type { Context } from "./context.js";
import { findStored, loadImage, requireStored } from "./find-image.js";
import { refetchDropped } from "./refetch.js";

export type SaveFormat = "docker-archive" | "oci-archive" | "oci";

export interface SaveRequest {
  readonly images: readonly string[];
  readonly format: SaveFormat;
}

/** Where the result goes: the archive's bytes, or its file; a new or empty directory for `oci`. */
export type SaveTarget = { readonly sink: ArchiveSink } | { readonly path: string };

/**
 * Writes images of the store as one archive or layout. Compressed blobs that were dropped are fetched again for the
 * formats that hold them. @throws StoreError NOT_FOUND; what the sink throws
 */
export async function saveImages(
  context: Context,
  { images, format }: SaveRequest,
  target: SaveTarget,
): Promise<void> {
  const store = await context.store({ create: false });
  const found = await collect(store, images);
  if (format !== "docker-archive") {
    for (const { stored } of found) await refetchDropped(context, store, stored);
  }
  const saved = found.map(({ image }) => image);
  if (format === "oci") return saveLayout(store, saved, target);
  const { writeDockerArchive, writeOciArchive } = await import("../store/archives.js");
  const write = (sink: ArchiveSink): Promise<void> => {
    if (format === "oci-archive") return writeOciArchive(store.paths, saved, sink);
    const named = saved.map((image) => ({ ...image, familiar: image.names.flatMap(familiarTag) }));
    return writeDockerArchive(store.paths, named, sink);
  };
  if ("sink" in target) return write(target.sink);
  const { writeArchiveFile } = await import("../store/archive-output.js");
  return writeArchiveFile(target.path, write);
}

async function saveLayout(store: Store, saved: readonly SavedImage[], target: SaveTarget): Promise<void> {
  if ("sink" in target)
    throw new UsageError("BAD_FLAG", "save: --format oci writes a directory (expected -o DIR)");
  const { writeLayout } = await import("../store/save-layout.js");
  return writeLayout(store.paths, saved, target.path);
}

interface Found {
  readonly stored: StoredImage;
  readonly image: SavedImage;
}

/** One image per manifest, with all the names that were asked for. */
async function collect(store: Store, images: readonly string[]): Promise<Found[]> {
  const found = new Map<string, Found>();
  for (const name of images) {
    await requireStored(store, name);
    for (const stored of await findStored(store, name)) {
      const { digest } = stored.manifest;
      const before = found.get(digest);
      const names = [...new Set([...(before?.image.names ?? []), stored.name])];
      const image = before?.image ?? (await describe(store, stored));
      found.set(digest, { stored, image: { ...image, names } });
    }
  }
  return [...found.values()];
}

async function describe(store: Store, stored: StoredImage): Promise<SavedImage> {
  const { manifest, config } = await loadImage(store, stored);
  return {
    names: [],
    manifest: stored.manifest,
    config: config.descriptor,
    layers: manifest.value.layers,
    diffIds: config.value.diffIds,
  };
}

/** Docker's form of a name; none for an image that was pulled by digest. */
function familiarTag(name: string): string[] {
  const reference = parseReference(name);
  return reference.tag === undefined ? [] : [`${familiarName(reference)}:${reference.tag}`];
}
