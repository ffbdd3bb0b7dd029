import pLimit from "p-limit";
import type { Digest } from "../core/digest.js";
import { parseImageName, type ImageName } from "../core/image-name.js";
import type { ImageSource } from "../core/image-source.js";
import { limits } from "../core/limits.js";
import { formatPlatform, hostPlatform, type Platform } from "../core/platform.js";
import { formatReference, repositoryOf } from "../core/reference.js";
import type { StoredImage } from "../store/refs.js";
import type { Store } from "../store/store.js";
import { allOrNone } from "./all-or-none.js";
import { commitFound, referenceOf } from "./commit-image.js";
import type { Context } from "./context.js";
import { currentImage, tellCurrent } from "./current-image.js";
import {
  fetchAll,
  fetchAnything,
  fetchImage,
  isArtifact,
  type ConfigSource,
  type Fetched,
  type FetchedImage,
} from "./fetch-image.js";
import { guardPull } from "./guard-pull.js";
import { openSource } from "./open-source.js";
import { blobsOf, defaultJobs, distinct, layersOf, pullLayers, type LayerJob } from "./pull-layers.js";

export interface PullOptions {
  readonly platform: Platform;
  /**
   * Everything in an index but attestations, not only the image for `platform`. That one gets the name; the others are
   * stored as if pulled by their own digest (`REPOSITORY@sha256:…`).
   */
  readonly allPlatforms?: boolean;
  /** Whether a name may stand for something else than a container image, which is then kept as it is; an error otherwise. */
  readonly artifacts?: boolean;
  /** Most bytes the layers of one image may be when unpacked, together; only each layer has a limit by default. */
  readonly maxUnpacked?: number;
  /** Most layers on their way at once; 6 by default. */
  readonly jobs?: number;
}

export interface PullRequest extends PullOptions {
  /** A reference, or `oci:DIR[:TAG]`. */
  readonly image: string;
}

export interface PulledImage {
  /** The image for the platform asked for; with `allPlatforms`, the first one if there is none for it. */
  readonly stored: StoredImage;
  /** `docker.io/library/alpine` */
  readonly repository: string;
  /** What the name means at the registry: the digest to pin. */
  readonly resolved: Digest;
}

/** {@link pullAll} for one image, the one for this machine unless `platform` says otherwise. */
export async function pull(
  context: Context,
  { image, ...options }: Omit<PullRequest, "platform"> & Partial<PullRequest>,
): Promise<PulledImage> {
  const [pulled] = await pullAll(context, [image], { platform: hostPlatform(), ...options });
  if (pulled === undefined) throw new Error("one image asked for, none pulled");
  return pulled;
}

/**
 * Brings images into the store: documents, layers, root file system, and only then their names. All names are resolved
 * before the first layer is fetched, and a layer that several share is fetched once. Nothing of an image is visible
 * before it is whole, whatever happens on the way; what arrived is kept for the next attempt.
 */
export async function pullAll(
  context: Context,
  images: readonly string[],
  options: PullOptions,
): Promise<PulledImage[]> {
  const names = images.map(parseImageName);
  const sources = await Promise.all(names.map((name) => openSource(context, name, options.maxUnpacked)));
  try {
    const named = names.map((name, i) => ({ name, source: sources[i] as ImageSource }));
    return await pullFrom(context, named, options);
  } finally {
    for (const source of sources) source.close();
  }
}

/** {@link pullAll} from sources that are open, and stay so. */
export async function pullFrom(
  context: Context,
  named: readonly { readonly name: ImageName; readonly source: ImageSource }[],
  options: PullOptions,
): Promise<PulledImage[]> {
  const jobs = options.jobs ?? defaultJobs;
  const store = await context.store({ create: true });
  const limit = pLimit(jobs);
  const tasks = named.map((one) => (signal: AbortSignal) => {
    return limit(() => resolve({ ...context, signal }, { ...one, store }, options));
  });
  const found = await allOrNone(tasks, context.signal);
  // Where there is a limit, the layers that are there are counted on the way.
  const mayBeCurrent = options.allPlatforms !== true && options.maxUnpacked === undefined;
  const current = mayBeCurrent ? await allCurrent(context, store, found) : undefined;
  if (current !== undefined) return current;
  const layers = distinct(found.flatMap((one) => jobsOf(one, options)));
  const fetched = { store, images: found.flatMap(({ content }) => content), layers };
  return guardPull(context, fetched, () => storeAll(context, { found, layers, store, jobs }, options));
}

interface Resolved {
  readonly found: readonly Found[];
  readonly layers: readonly LayerJob[];
  readonly store: Store;
  readonly jobs: number;
}

function jobsOf({ content, source }: Found, { maxUnpacked }: PullOptions): LayerJob[] {
  return content.flatMap((one) =>
    isArtifact(one) ? blobsOf(one, source) : layersOf(one, source, maxUnpacked),
  );
}

async function storeAll(
  context: Context,
  { found, layers, store, jobs }: Resolved,
  { platform }: PullOptions,
): Promise<PulledImage[]> {
  const { emit, signal } = context;
  await pullLayers(layers, { store, jobs, emit, signal });
  const pulled: PulledImage[] = [];
  for (const { name, what, content } of found) {
    const stored = await commitFound(context, store, { name, found: content, platform });
    pulled.push(announce(context, { name, what, content }, stored));
  }
  return pulled;
}

/** Undefined if one of them is not as its source has it, or not whole. */
async function allCurrent(
  context: Context,
  store: Store,
  found: readonly Found[],
): Promise<PulledImage[] | undefined> {
  const all: { readonly one: Found; readonly image: FetchedImage; readonly stored: StoredImage }[] = [];
  for (const one of found) {
    const [image] = one.content;
    if (isArtifact(image)) return undefined;
    const stored = await currentImage(context, store, { name: one.name, image });
    if (stored === undefined) return undefined;
    all.push({ one, image, stored });
  }
  return all.map(({ one, image, stored }) => {
    tellCurrent(context, image);
    return announce(context, one, stored);
  });
}

function announce(
  { emit }: Context,
  { name, what, content }: Omit<Found, "source">,
  stored: StoredImage,
): PulledImage {
  const { resolved } = content[0];
  emit({ type: "pulled", reference: what, digest: resolved.digest });
  const repository = repositoryOf(referenceOf(name, { resolved }));
  return { stored, repository, resolved: resolved.digest };
}

/** A name and what it stands for. */
interface Found extends NamedSource {
  readonly what: string;
  readonly content: readonly [Fetched, ...Fetched[]];
}

interface NamedSource {
  readonly name: ImageName;
  readonly source: ImageSource;
}

async function resolve(
  context: Context,
  named: NamedSource & { readonly store: Store },
  options: PullOptions,
): Promise<Found> {
  const { name, source, store } = named;
  const { emit, signal } = context;
  const { platform } = options;
  const what = name.kind === "layout" ? name.input : formatReference(name.reference);
  const limit = limits.configBytes;
  const from: ConfigSource = {
    what,
    source,
    signal,
    cached: async (d) => ((await store.has(d)) ? store.read(d, limits.manifestBytes) : undefined),
    config: (descriptor) =>
      store.document({ descriptor, limit, signal, fetch: () => source.smallBlob(descriptor, limit, signal) }),
  };
  emit({ type: "resolving", reference: what });
  const content = await fetchContent(from, options);
  const layers = content.flatMap(({ manifest }) => manifest.value.layers);
  emit({
    type: "resolved",
    reference: what,
    digest: content[0].resolved.digest,
    layers: layers.map(({ digest, size }) => ({ digest, size })),
  });
  for (const image of content) {
    if (isArtifact(image)) continue;
    const expected = options.allPlatforms ? image.manifest.descriptor.platform : platform;
    warnOfOtherPlatform(context, image, expected);
  }
  return { name, what, source, content };
}

async function fetchContent(from: ConfigSource, options: PullOptions): Promise<Found["content"]> {
  const { platform, allPlatforms = false, artifacts = false } = options;
  if (allPlatforms) return fetchAll(from);
  return [await (artifacts ? fetchAnything(from, platform) : fetchImage(from, platform))];
}

function warnOfOtherPlatform({ emit }: Context, image: FetchedImage, wanted: Platform | undefined): void {
  const actual = image.config.value.platform;
  if (wanted === undefined) return;
  if (actual.os === wanted.os && actual.architecture === wanted.architecture) return;
  const message = `the image is for ${formatPlatform(actual)}, not ${formatPlatform(wanted)}`;
  emit({ type: "warning", message });
}
