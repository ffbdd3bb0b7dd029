import { hexOf } from "../core/digest.js";
import { PullrunError, StoreError } from "../core/errors.js";
import { limits } from "../core/limits.js";
import { parseManifest } from "../core/manifest.js";
import { formatPlatform } from "../core/platform.js";
import { familiarName, parseReference } from "../core/reference.js";
import { printable } from "../core/text.js";
import type { StoredImage } from "../store/refs.js";
import type { Store } from "../store/store.js";
import type { Context } from "./context.js";
import { loadImage, requireStored } from "./find-image.js";
import { imageFilter, referenceFilter, type ImageFilter } from "./image-filters.js";

/** One line of `pullrun images`. */
export interface ImageSummary {
  /** In full, as the store has it: `docker.io/library/alpine:3.20`. */
  readonly name: string;
  /** Docker's short form: `alpine`, `localhost:5000/team/app`. */
  readonly repository: string;
  readonly tag?: string;
  /** Digest the name resolved to. */
  readonly digest: string;
  /** Digest of the image config: docker's image ID. */
  readonly id: string;
  /** Empty for what is no container image. */
  readonly platform: string;
  /** ISO 8601, as the image's author says. */
  readonly created?: string;
  /** Bytes of all layers, uncompressed. */
  readonly size: number;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ImageListOptions {
  /** `alpine` for all tags of it, `alpine:3.20` for one, `alp*` for all that fit. */
  readonly name?: string;
  /** Docker's filters: `reference=`, `before=`, `since=`, `label=`. */
  readonly filters?: readonly string[];
}

/**
 * The images in the store, newest first; none where there is no store yet. Damaged ones are left out with a warning.
 * @throws UsageError for a name or filter that is none
 */
export async function listImages(context: Context, options: ImageListOptions = {}): Promise<ImageSummary[]> {
  const fits = await imageFilter(options.filters ?? [], (image) => createdOf(context, image));
  const named = nameFilter(options.name);
  const store = await context.store({ create: false }).catch((error: unknown) => {
    if (error instanceof StoreError && error.code === "NOT_FOUND") return undefined;
    throw error;
  });
  const images: ImageSummary[] = [];
  for (const stored of (await store?.images()) ?? []) {
    const summary = store === undefined ? undefined : await summarize(context, store, stored);
    if (summary !== undefined && named(summary) && fits(summary)) images.push(summary);
  }
  return images.sort((a, b) => timeOf(b) - timeOf(a));
}

function timeOf({ created }: ImageSummary): number {
  return Date.parse(created ?? "") || 0;
}

function nameFilter(name: string | undefined): ImageFilter {
  if (name === undefined) return () => true;
  if (/[*?[]/.test(name)) return referenceFilter(name);
  const wanted = parseReference(name);
  const hasTag = wanted.tag !== undefined && name.endsWith(`:${wanted.tag}`);
  return ({ repository, tag }) => familiarName(wanted) === repository && (!hasTag || wanted.tag === tag);
}

async function createdOf(context: Context, image: string): Promise<string> {
  const store = await context.store({ create: false });
  const [stored] = await requireStored(store, image);
  return (await loadImage(store, stored)).config.value.created ?? "";
}

/** Undefined, with a warning, for an image that cannot be read: the others are listed all the same. */
async function summarize(
  context: Context,
  store: Store,
  stored: StoredImage,
): Promise<ImageSummary | undefined> {
  try {
    const { config } = await loadImage(store, stored);
    const { created, platform, diffIds, process } = config.value;
    return {
      ...nameOf(stored),
      id: `sha256:${hexOf(config.descriptor.digest)}`,
      platform: formatPlatform(platform),
      ...(created === undefined ? {} : { created }),
      size: store.layersSize(diffIds),
      labels: process.labels,
    };
  } catch (error) {
    if (!(error instanceof PullrunError)) throw error;
    if (error.code === "UNSUPPORTED_MEDIA") return summarizeArtifact(store, stored);
    context.emit({ type: "warning", message: `image left out: ${printable(stored.name)}: ${error.message}` });
    return undefined;
  }
}

/** An artifact has no platform and nothing unpacked: its size is that of its blobs. */
async function summarizeArtifact(store: Store, stored: StoredImage): Promise<ImageSummary | undefined> {
  const bytes = await store.read(stored.manifest, limits.manifestBytes);
  const manifest = parseManifest(stored.name, bytes, stored.manifest.mediaType);
  if (manifest.kind !== "manifest") return undefined;
  return {
    ...nameOf(stored),
    id: manifest.config.digest,
    platform: "",
    size: manifest.layers.reduce((sum, { size }) => sum + size, 0),
    labels: {},
  };
}

function nameOf({
  name,
  resolved,
}: StoredImage): Pick<ImageSummary, "name" | "repository" | "tag" | "digest"> {
  const reference = parseReference(name);
  const { tag } = reference;
  const repository = familiarName(reference);
  return { name, repository, ...(tag === undefined ? {} : { tag }), digest: resolved };
}
