import { Header } from "tar";
import type { Descriptor } from "../core/descriptor.js";
import { hexOf, type DiffId } from "../core/digest.js";
import { ociIndex } from "../core/media-types.js";
import { blobSize, streamBlob } from "./blobs.js";
import { refNameKey } from "./index-file.js";
import type { StorePaths } from "./layout.js";
import { streamFile } from "./stream-file.js";
import { StoreError } from "../core/errors.js";

/** Takes an archive's bytes in order; resolves when it can take more. */
export type ArchiveSink = (bytes: Uint8Array) => Promise<void>;

/** An image to save: its documents are in the store, its layers are unpacked there. An artifact has no diffIDs. */
export interface SavedImage {
  /** Full references. */
  readonly names: readonly string[];
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly diffIds: readonly DiffId[];
}

type Content = Uint8Array | { readonly size: number; readonly stream: AsyncIterable<Uint8Array> };

interface Writer {
  readonly paths: StorePaths;
  readonly sink: ArchiveSink;
  /** Names of members written so far: what images share is written once. */
  readonly written: Set<string>;
}

/** What every member says of its time, so that the same images always make the same archive. */
const epoch = new Date(0);
const blockBytes = 512;

/**
 * The images as `docker save` of all versions writes and reads them: `manifest.json`, configs, plain layer tars.
 * `familiar` names an image in docker's short form. Layers only need to be unpacked: blobs may have been dropped.
 */
export async function writeDockerArchive(
  paths: StorePaths,
  images: readonly (SavedImage & { readonly familiar: readonly string[] })[],
  sink: ArchiveSink,
): Promise<void> {
  const writer: Writer = { paths, sink, written: new Set() };
  for (const image of images) {
    for (const diffId of image.diffIds) await addLayerTar(writer, diffId);
    await addBlob(writer, `${hexOf(image.config.digest)}.json`, image.config);
  }
  const manifest = images.map(({ config, familiar, diffIds }) => ({
    Config: `${hexOf(config.digest)}.json`,
    RepoTags: familiar,
    Layers: diffIds.map((diffId) => `${hexOf(diffId)}.tar`),
  }));
  await addJson(writer, "manifest.json", manifest);
  await finish(writer);
}

/** The images as an OCI layout in a tar, byte for byte as they were pulled. */
export async function writeOciArchive(
  paths: StorePaths,
  images: readonly SavedImage[],
  sink: ArchiveSink,
): Promise<void> {
  const writer: Writer = { paths, sink, written: new Set() };
  await addJson(writer, "oci-layout", { imageLayoutVersion: "1.0.0" });
  for (const image of images) {
    for (const blob of [...image.layers, image.config, image.manifest])
      await addBlob(writer, `blobs/sha256/${hexOf(blob.digest)}`, blob);
  }
  await addJson(writer, "index.json", layoutIndexOf(images));
  await finish(writer);
}

/** `index.json` of a layout with these images, an entry per name. */
export function layoutIndexOf(images: readonly SavedImage[]): object {
  const manifests = images.flatMap(({ names, manifest }) => {
    const { mediaType, digest, size, platform } = manifest;
    const plain = { mediaType, digest, size, ...(platform === undefined ? {} : { platform }) };
    const named = names.map((name) => ({
      ...plain,
      annotations: { [refNameKey]: name, "io.containerd.image.name": name },
    }));
    return named.length === 0 ? [plain] : named;
  });
  return { schemaVersion: 2, mediaType: ociIndex, manifests };
}

async function addLayerTar(writer: Writer, diffId: DiffId): Promise<void> {
  const file = `${writer.paths.layer(diffId)}/tar`;
  await addMember(writer, `${hexOf(diffId)}.tar`, await streamFile(`layer ${diffId}`, file));
}

async function addBlob(writer: Writer, name: string, { digest, size }: Descriptor): Promise<void> {
  if ((await blobSize(writer.paths, digest)) !== size) {
    throw new StoreError("NOT_FOUND", `save: blob ${digest}: not in the store`, {
      hint: "`pullrun verify --repair` fetches it again",
    });
  }
  const stream = streamBlob(writer.paths, digest, { start: 0 });
  await addMember(writer, name, { size, stream });
}

function addJson(writer: Writer, name: string, value: object): Promise<void> {
  return addMember(writer, name, Buffer.from(JSON.stringify(value)));
}

async function addMember({ sink, written }: Writer, name: string, content: Content): Promise<void> {
  if (written.has(name)) return;
  written.add(name);
  const isBytes = content instanceof Uint8Array;
  const size = isBytes ? content.length : content.size;
  const header = new Header({ path: name, mode: 0o644, uid: 0, gid: 0, size, mtime: epoch, type: "File" });
  const block = Buffer.alloc(blockBytes);
  // Names are short; a size over 8 GiB becomes base-256, which every reader takes.
  header.encode(block, 0);
  await sink(block);
  let bytes = 0;
  for await (const piece of isBytes ? [content] : content.stream) {
    bytes += piece.length;
    await sink(piece);
  }
  if (bytes !== size) throw new StoreError("CORRUPT", `save: ${name}: ${bytes} bytes (expected ${size})`);
  const padding = (blockBytes - (size % blockBytes)) % blockBytes;
  if (padding > 0) await sink(Buffer.alloc(padding));
}

function finish({ sink }: Writer): Promise<void> {
  return sink(Buffer.alloc(2 * blockBytes));
}
