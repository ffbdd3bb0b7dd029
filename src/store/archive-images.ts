import type { Descriptor } from "../core/descriptor.js";
import { hexOf } from "../core/digest.js";
import { StoreError } from "../core/errors.js";
import { limits } from "../core/limits.js";
import { printable } from "../core/text.js";
import { openArchiveFile, type ArchiveInput, type Scratch } from "./archive-file.js";
import { indexArchive, type ArchiveIndex, type ArchiveMember } from "./archive-index.js";
import { archiveSource, readMember, type ArchiveFile, type ArchiveImage } from "./archive-source.js";
import { dockerArchiveImages } from "./docker-archive.js";
import { parseIndex } from "./index-file.js";
import { indexImages } from "./index-images.js";

export interface Archive {
  readonly images: readonly ArchiveImage[];
  close(): Promise<void>;
}

/**
 * Opens an oci-archive or docker-archive, compressed or not, without unpacking it. `scratch` takes a plain copy if one
 * is needed. @throws StoreError CORRUPT, NOT_FOUND; LayerError for what is no tar
 */
export async function openArchive(input: ArchiveInput, scratch: Scratch): Promise<Archive> {
  const shown = "file" in input ? input.file : "standard input";
  const handle = await openArchiveFile(input, scratch);
  try {
    const archive = { handle, index: await indexArchive(handle, shown) };
    return { images: await imagesOf(archive), close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function imagesOf(archive: ArchiveFile): Promise<readonly ArchiveImage[]> {
  const { index } = archive;
  // Docker since 25 writes both; the layout keeps the manifests' digests.
  if (index.has("index.json") && index.has("oci-layout")) return layoutImages(archive);
  if (index.has("manifest.json")) return dockerArchiveImages(archive);
  throw new StoreError("CORRUPT", `archive ${printable(index.shown)}: holds no image`, {
    hint: "expected the index.json of an oci-archive or the manifest.json of a docker-archive",
  });
}

async function layoutImages(archive: ArchiveFile): Promise<ArchiveImage[]> {
  const bytes = await readMember(archive, "index.json", limits.manifestBytes);
  const find = (wanted: Descriptor): ArchiveMember => findBlob(archive.index, wanted);
  const { entries } = parseIndex(archive.index.shown, bytes);
  return indexImages(entries, (descriptor) => archiveSource(archive, { descriptor, find }));
}

function findBlob(index: ArchiveIndex, { digest }: Descriptor): ArchiveMember {
  const name = `blobs/sha256/${hexOf(digest)}`;
  if (index.has(name)) return index.find(name);
  throw new StoreError("NOT_FOUND", `archive ${printable(index.shown)}: blob ${digest}: not in it`);
}
