import { RegistryError, UsageError, type PullrunError } from "../core/errors.js";
import { familiarName, parseReference } from "../core/reference.js";
import type { ArchiveSink, SavedImage } from "../store/archives.js";
import type { StoredImage } from "../store/refs.js";
import type { Store } from "../store/store.js";
import type { Context } from "./context.js";
import { findStored, loadImage, loadManifest, requireStored } from "./find-image.js";
import { otherContent } from "./other-content.js";
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
    for (const { stored, other } of found)
      if (other === undefined) await refetchDropped(context, store, stored);
  }
  const saved = found.map(({ image }) => image);
  if (format === "oci") return saveLayout(store, saved, target);
  const { writeDockerArchive, writeOciArchive } = await import("../store/archives.js");
  const write = (sink: ArchiveSink): Promise<void> => {
    if (format === "oci-archive") return writeOciArchive(store.paths, saved, sink);
    found.forEach(requireImage);
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
  /** Why it is no container image, if it is none. */
  readonly other: PullrunError | undefined;
}

/** @throws RegistryError UNSUPPORTED_MEDIA: docker's archives know configs and layers, and nothing else. */
function requireImage({ other }: Found): void {
  if (other === undefined) return;
  const message = `save: ${other.message}, and a docker-archive holds nothing else`;
  throw new RegistryError("UNSUPPORTED_MEDIA", message, { hint: "use --format oci-archive or --format oci" });
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
      const { image, other } = before ?? (await describe(store, stored));
      found.set(digest, { stored, other, image: { ...image, names } });
    }
  }
  return [...found.values()];
}

async function describe(store: Store, stored: StoredImage): Promise<Omit<Found, "stored">> {
  const { value: manifest } = await loadManifest(store, stored);
  const { config, layers } = manifest;
  const documents = { names: [], manifest: stored.manifest, config, layers };
  const other = otherContent(stored.name, manifest);
  if (other !== undefined) return { other, image: { ...documents, diffIds: [] } };
  const image = await loadImage(store, stored);
  return { other, image: { ...documents, diffIds: image.config.value.diffIds } };
}

/** Docker's form of a name; none for an image that was pulled by digest. */
function familiarTag(name: string): string[] {
  const reference = parseReference(name);
  return reference.tag === undefined ? [] : [`${familiarName(reference)}:${reference.tag}`];
}
