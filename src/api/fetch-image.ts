import type { Descriptor, RawDocument } from "../core/descriptor.js";
import { verifyDigest } from "../core/digest.js";
import { RegistryError } from "../core/errors.js";
import { parseImageConfig, type ImageConfig } from "../core/image-config.js";
import type { ImageSource } from "../core/image-source.js";
import { limits } from "../core/limits.js";
import { isContainerImage, parseManifest, type Index, type Manifest } from "../core/manifest.js";
import type { Platform } from "../core/platform.js";
import { isAttestation, selectManifest } from "../core/select.js";
import { otherContent } from "./other-content.js";

/** An image's documents, verified; no layer is read yet. */
export interface FetchedImage {
  /** What the reference named: an index or a manifest. */
  readonly resolved: Descriptor;
  /** The indexes walked through, outermost first; none for a single-platform image. */
  readonly indexes: readonly RawDocument<Index>[];
  /** With the platform its index states, if there is one. */
  readonly manifest: RawDocument<Manifest>;
  readonly config: RawDocument<ImageConfig>;
}

/** An artifact's documents, verified: something other than a container image, whose config may hold anything. */
export interface FetchedArtifact extends Omit<FetchedImage, "config"> {
  readonly config: Omit<RawDocument<unknown>, "value"> & { readonly value?: undefined };
}

export type Fetched = FetchedImage | FetchedArtifact;

export function isArtifact(fetched: Fetched): fetched is FetchedArtifact {
  return fetched.config.value === undefined;
}

/** Where manifests and indexes come from; `what` names the image in errors. */
export interface DocumentSource {
  readonly what: string;
  readonly source: Pick<ImageSource, "resolve" | "document">;
  /** Bytes we already hold for a descriptor, verified; saves the round trip. */
  cached(descriptor: Descriptor): Promise<Uint8Array | undefined>;
  readonly signal: AbortSignal;
}

export interface ConfigSource extends DocumentSource {
  /** Verified bytes of an image config, at most `limits.configBytes`. */
  config(descriptor: Descriptor): Promise<Uint8Array>;
}

/** A manifest and the indexes above it, outermost first. */
export interface FoundManifest {
  readonly indexes: readonly RawDocument<Index>[];
  readonly manifest: RawDocument<Manifest>;
}

/** Resolves the name and walks down to the manifest and config for one platform. */
export async function fetchImage(from: ConfigSource, platform: Platform): Promise<FetchedImage> {
  const resolved = await from.source.resolve(from.signal);
  const found = await findManifest(from, resolved, platform);
  return { resolved, ...found, config: await fetchConfig(from, found.manifest.value) };
}

/** As {@link fetchImage}, of a name that may also stand for an artifact. */
export async function fetchAnything(from: ConfigSource, platform: Platform): Promise<Fetched> {
  const resolved = await from.source.resolve(from.signal);
  return fetchKept(from, { resolved, ...(await findManifest(from, resolved, platform)) });
}

/** As {@link fetchAnything}, for everything an index lists, in its order. Attestations are left out. */
export async function fetchAll(from: ConfigSource): Promise<readonly [Fetched, ...Fetched[]]> {
  const resolved = await from.source.resolve(from.signal);
  const all: Fetched[] = [];
  for (const found of await findAll(from, resolved, []))
    all.push(await fetchKept(from, { resolved, ...found }));
  const [first, ...others] = all;
  if (first !== undefined) return [first, ...others];
  throw new RegistryError("NO_PLATFORM", `${from.what}: the index lists no image at all`);
}

async function fetchKept(from: ConfigSource, found: Omit<FetchedImage, "config">): Promise<Fetched> {
  const manifest = found.manifest.value;
  if (isContainerImage(manifest)) return { ...found, config: await fetchConfig(from, manifest) };
  return { ...found, config: { descriptor: manifest.config, bytes: await from.config(manifest.config) } };
}

/** The manifest for `platform` at or below `top`. @throws RegistryError NO_PLATFORM, BAD_MANIFEST */
export async function findManifest(
  from: DocumentSource,
  top: Descriptor,
  platform: Platform,
): Promise<FoundManifest> {
  const indexes: RawDocument<Index>[] = [];
  let descriptor = top;
  while (indexes.length <= limits.indexDepth) {
    const document = await fetchDocument(from, descriptor);
    if (isManifestDocument(document)) return { indexes, manifest: document };
    indexes.push(document);
    descriptor = selectManifest(from.what, document.value, platform);
  }
  throw tooDeep(from);
}

async function findAll(
  from: DocumentSource,
  descriptor: Descriptor,
  above: readonly RawDocument<Index>[],
): Promise<FoundManifest[]> {
  const document = await fetchDocument(from, descriptor);
  if (isManifestDocument(document)) return [{ indexes: above, manifest: document }];
  if (above.length >= limits.indexDepth) throw tooDeep(from);
  const found: FoundManifest[] = [];
  for (const entry of document.value.manifests) {
    if (!isAttestation(entry)) found.push(...(await findAll(from, entry, [...above, document])));
  }
  return found;
}

/** A manifest or index, verified, with its exact media type and size. */
export async function fetchDocument(
  { what, source, cached, signal }: DocumentSource,
  descriptor: Descriptor,
): Promise<RawDocument<Manifest> | RawDocument<Index>> {
  const bytes = (await cached(descriptor)) ?? (await source.document(descriptor, signal));
  verifyDigest(`${what}: manifest`, bytes, descriptor.digest);
  const value = parseManifest(what, bytes, descriptor.mediaType);
  const exact = { ...descriptor, mediaType: value.mediaType, size: bytes.length };
  return { descriptor: exact, bytes, value } as RawDocument<Manifest> | RawDocument<Index>;
}

export function isManifestDocument(
  document: RawDocument<Manifest> | RawDocument<Index>,
): document is RawDocument<Manifest> {
  return document.value.kind === "manifest";
}

function tooDeep({ what }: DocumentSource): RegistryError {
  return new RegistryError("BAD_MANIFEST", `${what}: indexes nested deeper than ${limits.indexDepth}`);
}

async function fetchConfig(from: ConfigSource, manifest: Manifest): Promise<RawDocument<ImageConfig>> {
  const { what } = from;
  const descriptor = manifest.config;
  const other = otherContent(what, manifest);
  if (other !== undefined) throw other;
  const bytes = await from.config(descriptor);
  const value = parseImageConfig(what, bytes);
  if (value.diffIds.length !== manifest.layers.length) {
    const message = `${what}: config lists ${value.diffIds.length} diffIDs (expected ${manifest.layers.length}, one per layer)`;
    throw new RegistryError("BAD_MANIFEST", message);
  }
  return { descriptor, bytes, value };
}
