import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { tarArchive } from "../fixtures/tar.js";
import { digestOf, hexOf, type Digest } from "../src/core/digest.js";
import * as media from "../src/core/media-types.js";
import { hostPlatform } from "../src/core/platform.js";
import { layerEntries, treeSizes, type TreeName, type TreeSize } from "./tree.js";

export type Compression = "gzip" | "zstd";

/** Layers a second image shares with the first: all but its last. */
export interface ImageOptions {
  readonly compression: Compression;
  /** Replaces the last layer by another one of the same kind. */
  readonly variant?: boolean;
}

/** An OCI layout directory with the image tagged `latest`, made if it is not there yet (a minute for `large`). */
export function benchImage(root: string, tree: TreeName | TreeSize, options: ImageOptions): string {
  const size = typeof tree === "string" ? treeSizes[tree] : tree;
  const name = typeof tree === "string" ? tree : `${size.layers}-layers-${size.textFiles}-files`;
  const suffix = options.variant === true ? "-variant" : "";
  const directory = path.join(root, `${name}-${options.compression}${suffix}`);
  if (existsSync(path.join(directory, "index.json"))) return directory;
  const temporary = `${directory}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(path.join(temporary, "blobs/sha256"), { recursive: true });
  writeImage(temporary, size, options);
  renameSync(temporary, directory);
  return directory;
}

interface Blob {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

function writeImage(directory: string, size: TreeSize, { compression, variant }: ImageOptions): void {
  const layers: Blob[] = [];
  const diffIds: Digest[] = [];
  for (let i = 0; i < size.layers; i++) {
    const last = i === size.layers - 1;
    const tar = tarArchive(layerEntries(size, last && variant === true ? i + 100 : i));
    diffIds.push(digestOf(tar));
    const [mediaType, bytes] =
      compression === "gzip"
        ? [media.ociLayerGzip, gzipSync(tar)]
        : [media.ociLayerZstd, zstdCompressSync(tar)];
    layers.push(writeBlob(directory, mediaType, bytes));
  }
  const { os, architecture } = hostPlatform();
  const config = {
    os,
    architecture,
    config: { Cmd: ["/none"] },
    rootfs: { type: "layers", diff_ids: diffIds },
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: media.ociManifest,
    config: writeJson(directory, media.ociConfig, config),
    layers,
  };
  const descriptor = writeJson(directory, media.ociManifest, manifest);
  const annotations = { "org.opencontainers.image.ref.name": "latest" };
  const index = { schemaVersion: 2, mediaType: media.ociIndex, manifests: [{ ...descriptor, annotations }] };
  writeFileSync(path.join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(path.join(directory, "index.json"), JSON.stringify(index));
}

function writeJson(directory: string, mediaType: string, value: unknown): Blob {
  return writeBlob(directory, mediaType, Buffer.from(JSON.stringify(value)));
}

function writeBlob(directory: string, mediaType: string, bytes: Uint8Array): Blob {
  const digest = digestOf(bytes);
  writeFileSync(path.join(directory, "blobs/sha256", hexOf(digest)), bytes);
  return { mediaType, digest, size: bytes.length };
}

/** A layout of `count` tiny images of one layer, tagged n0, n1, …: each has a config and a manifest of its own. */
export function manyImages(root: string, count: number): string {
  const directory = path.join(root, `tiny-${count}`);
  if (existsSync(path.join(directory, "index.json"))) return directory;
  mkdirSync(path.join(directory, "blobs/sha256"), { recursive: true });
  const tar = tarArchive([{ type: "file", path: "etc/motd", data: "hello\n" }]);
  const layer = writeBlob(directory, media.ociLayerGzip, gzipSync(tar));
  const manifests = Array.from({ length: count }, (_, i) => {
    const { os, architecture } = hostPlatform();
    const labels = { number: String(i) };
    const config = {
      os,
      architecture,
      config: { Cmd: ["/none"], Labels: labels },
      rootfs: { type: "layers", diff_ids: [digestOf(tar)] },
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: media.ociManifest,
      config: writeJson(directory, media.ociConfig, config),
      layers: [layer],
    };
    const annotations = { "org.opencontainers.image.ref.name": `n${i}` };
    return { ...writeJson(directory, media.ociManifest, manifest), annotations };
  });
  writeFileSync(path.join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  const index = { schemaVersion: 2, mediaType: media.ociIndex, manifests };
  writeFileSync(path.join(directory, "index.json"), JSON.stringify(index));
  return directory;
}
