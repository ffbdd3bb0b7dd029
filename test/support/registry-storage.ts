import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { hexOf, type Digest } from "../../src/core/digest.js";
import { isIndex, isManifest } from "../../src/core/media-types.js";
import type { LocalImage } from "./layouts.js";

/**
 * Puts an image straight into docker-registry's storage (distribution's registry/storage/paths.go). The registry
 * itself refuses a manifest list of which it has not every manifest; Docker Hub's mirrors and our own test data do
 * hold such lists, and clients must cope.
 */
export async function seedStorage(storage: string, name: string, image: LocalImage): Promise<void> {
  const [repository = "", tag = "latest"] = name.split(":");
  const base = join(storage, "docker/registry/v2");
  const own = join(base, "repositories", repository);
  for (const [digest, bytes] of image.blobs) {
    const hex = hexOf(digest);
    await put(join(base, "blobs/sha256", hex.slice(0, 2), hex, "data"), bytes);
    const kind = isDocument(bytes) ? "_manifests/revisions" : "_layers";
    await link(join(own, kind, "sha256", hex), digest);
  }
  const { digest } = image.descriptor;
  await link(join(own, "_manifests/tags", tag, "current"), digest);
  await link(join(own, "_manifests/tags", tag, "index/sha256", hexOf(digest)), digest);
}

async function link(dir: string, digest: Digest): Promise<void> {
  await put(join(dir, "link"), digest);
}

async function put(path: string, bytes: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

function isDocument(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x7b || bytes.length > 1 << 20) return false;
  const { mediaType } = JSON.parse(Buffer.from(bytes).toString()) as { mediaType?: string };
  return mediaType !== undefined && (isIndex(mediaType) || isManifest(mediaType));
}
