import { gzipSync } from "node:zlib";
import type { ByteRange, ContentSource } from "../../src/core/content-source.js";
import type { Descriptor } from "../../src/core/descriptor.js";
import { digestOf, isDigest, type Digest } from "../../src/core/digest.js";
import * as mediaTypes from "../../src/core/media-types.js";
import { hostPlatform, type Platform } from "../../src/core/platform.js";

/** Images in memory, to be served by a test registry. */
export interface MemoryContent extends ContentSource {
  /** Stores bytes under their digest. */
  put(bytes: Uint8Array, mediaType: string): Descriptor;
  tag(repository: string, tag: string, descriptor: Descriptor): void;
}

const pieceBytes = 64 * 1024;

export function memoryContent(): MemoryContent {
  const blobs = new Map<Digest, { readonly bytes: Uint8Array; readonly mediaType: string }>();
  const repositories = new Map<string, Map<string, Descriptor>>();
  return {
    put(bytes, mediaType) {
      const digest = digestOf(bytes);
      blobs.set(digest, { bytes, mediaType });
      return { mediaType, digest, size: bytes.length };
    },
    tag(repository, tag, descriptor) {
      const tags = repositories.get(repository) ?? new Map<string, Descriptor>();
      repositories.set(repository, tags.set(tag, descriptor));
    },
    async resolve(repository, tagOrDigest) {
      await Promise.resolve();
      if (!isDigest(tagOrDigest)) return repositories.get(repository)?.get(tagOrDigest);
      const blob = repositories.has(repository) ? blobs.get(tagOrDigest) : undefined;
      return blob && { mediaType: blob.mediaType, digest: tagOrDigest, size: blob.bytes.length };
    },
    async open(digest, range) {
      await Promise.resolve();
      const blob = blobs.get(digest);
      return blob && { size: blob.bytes.length, mediaType: blob.mediaType, body: pieces(blob.bytes, range) };
    },
    tags: (repository) => Promise.resolve([...(repositories.get(repository)?.keys() ?? [])]),
  };
}

async function* pieces(bytes: Uint8Array, range: ByteRange = { start: 0 }): AsyncGenerator<Uint8Array> {
  const { start, end = bytes.length } = range;
  for (let at = start; at < end; at += pieceBytes) {
    await Promise.resolve();
    yield bytes.subarray(at, Math.min(at + pieceBytes, end));
  }
}

export interface TestImage {
  /** The image manifest, or the index around it. */
  readonly top: Descriptor;
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export interface TestImageOptions {
  readonly repository: string;
  readonly tag: string;
  /** Uncompressed tars, bottom first. */
  readonly layers: readonly Uint8Array[];
  /** gzip by default. */
  readonly compression?: "gzip" | "none";
  readonly platform?: Platform;
  /** Wrap the manifest in an index with this one platform. */
  readonly index?: boolean;
  /** The config's `config` member: `{ Cmd: [...] }`. */
  readonly process?: Readonly<Record<string, unknown>>;
}

/** Builds an OCI image out of layer tars and tags it. */
export function addImage(content: MemoryContent, options: TestImageOptions): TestImage {
  const platform = options.platform ?? hostPlatform();
  const layers = options.layers.map((tar) =>
    options.compression === "none"
      ? content.put(tar, mediaTypes.ociLayer)
      : content.put(gzipSync(tar, { level: 1 }), mediaTypes.ociLayerGzip),
  );
  const diffIds = options.layers.map((tar) => digestOf(tar));
  const rootfs = { type: "layers", diff_ids: diffIds };
  const config = putJson(
    content,
    { ...platform, config: options.process ?? {}, rootfs },
    mediaTypes.ociConfig,
  );
  const manifest = putJson(content, { schemaVersion: 2, config, layers }, mediaTypes.ociManifest);
  const index = { schemaVersion: 2, manifests: [{ ...manifest, platform }] };
  const top = options.index === true ? putJson(content, index, mediaTypes.ociIndex) : manifest;
  content.tag(options.repository, options.tag, top);
  return { top, manifest, config, layers };
}

/** Builds what is no container image: a chart of one file. */
export function addChart(content: MemoryContent, text = "a chart"): Descriptor {
  const config = putJson(content, { name: text }, "application/vnd.cncf.helm.config.v1+json");
  const layer = content.put(gzipSync(text), "application/vnd.cncf.helm.chart.content.v1.tar+gzip");
  return putJson(content, { schemaVersion: 2, config, layers: [layer] }, mediaTypes.ociManifest);
}

/** Stores a document, with its own media type in `mediaType` as image-spec asks of manifests. */
export function putJson(content: MemoryContent, value: object, mediaType: string): Descriptor {
  const stated = "schemaVersion" in value ? { mediaType, ...value } : value;
  return content.put(Buffer.from(JSON.stringify(stated)), mediaType);
}
