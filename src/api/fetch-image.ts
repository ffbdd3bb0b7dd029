import type { Descriptor, RawDocument } from "../core/descriptor.js";
import { verifyDigest } from "../core/digest.js";
import { RegistryError } from "../core/errors.js";
import { parseImageConfig, type ImageConfig } from "../core/image-config.js";
import type { ImageSource } from "../core/image-source.js";
import { limits } from "../core/limits.js";
import { parseManifest, type Manifest } from "../core/manifest.js";
import { isImageConfig, isTarLayer } from "../core/media-types.js";
import type { Platform } from "../core/platform.js";
import { selectManifest } from "../core/select.js";
import { printable } from "../core/text.js";

/** An image's documents, verified; no layer is read yet. */
export interface FetchedImage {
  /** What the reference named: an index or a manifest. */
  readonly resolved: Descriptor;
  /** The indexes walked through, outermost first; none for a single-platform image. */
  readonly indexes: readonly RawDocument<unknown>[];
  readonly manifest: RawDocument<Manifest>;
  readonly config: RawDocument<ImageConfig>;
}

export interface FetchOptions {
  readonly platform: Platform;
  /** Bytes we already hold for a descriptor, verified; saves the round trip. */
  cached(descriptor: Descriptor): Promise<Uint8Array | undefined>;
  readonly signal: AbortSignal;
}

/** Resolves `source` and walks down to the manifest and config for one platform. `what` names the image in errors. */
export async function fetchImage(
  what: string,
  source: ImageSource,
  options: FetchOptions,
): Promise<FetchedImage> {
  const resolved = await source.resolve(options.signal);
  const { indexes, manifest } = await walkToManifest(what, source, { ...options, resolved });
  const config = await fetchConfig(what, source, { ...options, manifest: manifest.value });
  return { resolved, indexes, manifest, config };
}

async function walkToManifest(
  what: string,
  source: ImageSource,
  options: FetchOptions & { resolved: Descriptor },
) {
  const indexes: RawDocument<unknown>[] = [];
  let descriptor = options.resolved;
  for (let depth = 0; depth <= limits.indexDepth; depth++) {
    const bytes = (await options.cached(descriptor)) ?? (await source.document(descriptor, options.signal));
    verifyDigest(`${what}: manifest`, bytes, descriptor.digest);
    const value = parseManifest(what, bytes, descriptor.mediaType);
    const exact = { ...descriptor, mediaType: value.mediaType, size: bytes.length };
    if (value.kind === "manifest") return { indexes, manifest: { descriptor: exact, bytes, value } };
    indexes.push({ descriptor: exact, bytes, value });
    descriptor = selectManifest(what, value, options.platform);
  }
  throw new RegistryError("BAD_MANIFEST", `${what}: indexes nested deeper than ${limits.indexDepth}`);
}

async function fetchConfig(
  what: string,
  source: ImageSource,
  options: FetchOptions & { manifest: Manifest },
): Promise<RawDocument<ImageConfig>> {
  const { manifest, signal } = options;
  const descriptor = manifest.config;
  refuseOtherContent(what, manifest);
  const bytes =
    (await options.cached(descriptor)) ?? (await source.smallBlob(descriptor, limits.configBytes, signal));
  const value = parseImageConfig(what, bytes);
  if (value.diffIds.length !== manifest.layers.length) {
    const message = `${what}: config lists ${value.diffIds.length} diffIDs (expected ${manifest.layers.length}, one per layer)`;
    throw new RegistryError("BAD_MANIFEST", message);
  }
  return { descriptor, bytes, value };
}

function refuseOtherContent(what: string, manifest: Manifest): void {
  const { mediaType } = manifest.config;
  if (!isImageConfig(mediaType)) {
    throw new RegistryError(
      "UNSUPPORTED_MEDIA",
      `${what}: not a container image (config type ${printable(mediaType, 100)})`,
      {
        hint: "it is an artifact of another tool, such as a chart or a signature",
      },
    );
  }
  const odd = manifest.layers.find((layer) => !isTarLayer(layer.mediaType));
  if (odd !== undefined) {
    const encrypted = odd.mediaType.includes("+encrypted") ? " (encrypted layers are not supported)" : "";
    throw new RegistryError(
      "UNSUPPORTED_MEDIA",
      `${what}: layer type ${printable(odd.mediaType, 100)} is not a tar${encrypted}`,
    );
  }
}
