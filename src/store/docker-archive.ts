import { createReadStream } from "node:fs";
import * as v from "valibot";
import { firstIssue, type Descriptor } from "../core/descriptor.js";
import { digestOf, finishDigest, startDigest, type Digest } from "../core/digest.js";
import { StoreError } from "../core/errors.js";
import { parseImageConfig } from "../core/image-config.js";
import { parseUntrustedJson } from "../core/json.js";
import { limits } from "../core/limits.js";
import { ociConfig, ociLayer, ociLayerGzip, ociLayerZstd, ociManifest } from "../core/media-types.js";
import { formatReference, parseReference } from "../core/reference.js";
import { printable } from "../core/text.js";
import { archiveSource, readMember, type ArchiveFile, type ArchiveImage } from "./archive-source.js";
import type { ArchiveMember } from "./archive-index.js";
import { detectCompression, magicBytes, type Compression } from "./decompress.js";
import { refNameKey } from "./index-file.js";

/** `manifest.json` as `docker save` writes it. */
const schema = v.array(
  v.object({
    Config: v.string(),
    RepoTags: v.nullish(v.array(v.string()), []),
    Layers: v.pipe(v.nullish(v.array(v.string()), []), v.maxLength(limits.layers)),
  }),
);
type DockerImage = v.InferOutput<typeof schema>[number];

const layerTypes: Readonly<Record<Compression, string>> = {
  none: ociLayer,
  gzip: ociLayerGzip,
  zstd: ociLayerZstd,
};

/** The images of a docker-archive. It holds no manifests: each image gets one made of its config and layers. */
export async function dockerArchiveImages(archive: ArchiveFile): Promise<ArchiveImage[]> {
  const images: ArchiveImage[] = [];
  for (const image of await readManifest(archive)) images.push(await toImage(archive, image));
  return images;
}

async function readManifest(archive: ArchiveFile): Promise<DockerImage[]> {
  const bytes = await readMember(archive, "manifest.json", limits.manifestBytes);
  try {
    return v.parse(schema, parseUntrustedJson(bytes));
  } catch (cause) {
    const problem =
      cause instanceof v.ValiError ? firstIssue(cause) : cause instanceof Error ? cause.message : "not JSON";
    const message = `archive ${printable(archive.index.shown)}: manifest.json: ${printable(problem)}`;
    throw new StoreError("CORRUPT", message, { cause });
  }
}

async function toImage(archive: ArchiveFile, image: DockerImage): Promise<ArchiveImage> {
  const { shown } = archive.index;
  const bytes = await readMember(archive, image.Config, limits.configBytes);
  const { diffIds } = parseImageConfig(`archive ${printable(shown)}`, bytes);
  const members = new Map<Digest, ArchiveMember>();
  const layers: Descriptor[] = [];
  for (const [i, name] of image.Layers.entries()) {
    const member = archive.index.find(name);
    const layer = await describeLayer(archive, member, diffIds[i]);
    members.set(layer.digest, member);
    layers.push(layer);
  }
  const config = { mediaType: ociConfig, digest: digestOf(bytes), size: bytes.length };
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: ociManifest, config, layers }));
  const digest = digestOf(manifest);
  const names = image.RepoTags.map((name) => formatReference(parseReference(name)));
  const [name] = names;
  const annotations = name === undefined ? {} : { [refNameKey]: name };
  const descriptor = { mediaType: ociManifest, digest, size: manifest.length, annotations };
  const made = new Map<string, Uint8Array>([
    [digest, manifest],
    [config.digest, bytes],
  ]);
  const find = (wanted: Descriptor): ArchiveMember => {
    const member = members.get(wanted.digest);
    if (member !== undefined) return member;
    throw new StoreError("NOT_FOUND", `archive ${printable(shown)}: blob ${wanted.digest}: not in it`);
  };
  return { names, digest, source: archiveSource(archive, { descriptor, find, made }) };
}

/** A plain tar's digest is what the config says, and is verified when it is stored; a compressed one has to be hashed. */
async function describeLayer(
  { handle }: ArchiveFile,
  { offset, size }: ArchiveMember,
  diffId: Digest | undefined,
): Promise<Descriptor> {
  const start = Buffer.alloc(magicBytes);
  const { bytesRead } = await handle.read(start, 0, Math.min(magicBytes, size), offset);
  const compression = detectCompression("layer", start.subarray(0, bytesRead));
  const mediaType = layerTypes[compression];
  if (compression === "none" && diffId !== undefined) return { mediaType, digest: diffId, size };
  const hash = startDigest();
  const content = createReadStream("", {
    fd: handle,
    start: offset,
    end: offset + size - 1,
    autoClose: false,
  });
  if (size > 0) for await (const piece of content) hash.update(piece as Buffer);
  return { mediaType, digest: finishDigest(hash), size };
}
