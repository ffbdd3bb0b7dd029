import { hexOf } from "../core/digest.js";
import { StoreError } from "../core/errors.js";
import { formatPlatform } from "../core/platform.js";
import { familiarName, parseReference } from "../core/reference.js";
import type { StoredImage } from "../store/refs.js";
import type { Store } from "../store/store.js";
import type { Context } from "./context.js";
import { loadImage } from "./find-image.js";

/** One line of `pullrun images`. */
export interface ImageSummary {
  /** Docker's short form: `alpine`, `localhost:5000/team/app`. */
  readonly repository: string;
  readonly tag?: string;
  /** Digest the name resolved to. */
  readonly digest: string;
  /** Digest of the image config: docker's image ID. */
  readonly id: string;
  readonly platform: string;
  /** ISO 8601, as the image's author says. */
  readonly created?: string;
  /** Bytes of all layers, uncompressed. */
  readonly size: number;
}

/** The images in the store, newest first; none where there is no store yet. */
export async function listImages(
  context: Context,
  filter: { readonly name: string | undefined },
): Promise<ImageSummary[]> {
  const store = await context.store({ create: false }).catch((error: unknown) => {
    if (error instanceof StoreError && error.code === "NOT_FOUND") return undefined;
    throw error;
  });
  if (store === undefined) return [];
  const wanted = filter.name === undefined ? undefined : parseReference(filter.name);
  const images: ImageSummary[] = [];
  for (const stored of await store.images()) {
    const summary = await summarize(store, stored);
    const fits = wanted === undefined || familiarName(wanted) === summary.repository;
    const tagFits =
      wanted?.tag === undefined || !filter.name?.endsWith(`:${wanted.tag}`) || wanted.tag === summary.tag;
    if (fits && tagFits) images.push(summary);
  }
  return images.sort((a, b) => (b.created ?? "").localeCompare(a.created ?? ""));
}

async function summarize(store: Store, stored: StoredImage): Promise<ImageSummary> {
  const { config } = await loadImage(store, stored);
  const reference = parseReference(stored.name);
  const { created, platform, diffIds } = config.value;
  return {
    repository: familiarName(reference),
    ...(reference.tag === undefined ? {} : { tag: reference.tag }),
    digest: stored.resolved,
    id: `sha256:${hexOf(config.descriptor.digest)}`,
    platform: formatPlatform(platform),
    ...(created === undefined ? {} : { created }),
    size: await store.layersSize(diffIds),
  };
}
