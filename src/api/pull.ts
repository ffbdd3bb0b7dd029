import type { Digest } from "../core/digest.js";
import { layoutReference, parseImageName, type ImageName } from "../core/image-name.js";
import { limits } from "../core/limits.js";
import { formatPlatform, samePlatform, type Platform } from "../core/platform.js";
import { formatReference, repositoryOf, type Reference } from "../core/reference.js";
import type { ImageSource } from "../core/image-source.js";
import { imageName, type StoredImage } from "../store/refs.js";
import type { Store } from "../store/store.js";
import type { Context } from "./context.js";
import { fetchImage, type FetchedImage } from "./fetch-image.js";
import { openSource } from "./open-source.js";
import { pullLayers } from "./pull-layers.js";

export interface PullRequest {
  /** A reference, or `oci:DIR[:TAG]`. */
  readonly image: string;
  readonly platform: Platform;
}

export interface PulledImage {
  readonly stored: StoredImage;
  /** `docker.io/library/alpine` */
  readonly repository: string;
  /** What the name means at the registry: the digest to pin. */
  readonly resolved: Digest;
}

/**
 * Brings an image into the store: documents, layers, root file system, and only then its name. Nothing of it is
 * visible before, whatever happens on the way; what arrived is kept for the next attempt.
 */
export async function pull(context: Context, request: PullRequest): Promise<PulledImage> {
  const name = parseImageName(request.image);
  const store = await context.store({ create: true });
  const source = await openSource(context, name);
  try {
    return await pullFrom(context, { ...request, name, store, source });
  } finally {
    source.close();
  }
}

type PullJob = PullRequest & {
  readonly name: ImageName;
  readonly store: Store;
  readonly source: ImageSource;
};

async function pullFrom(context: Context, job: PullJob): Promise<PulledImage> {
  const { store, source, platform } = job;
  const { emit, signal } = context;
  const what = job.name.kind === "layout" ? job.name.input : formatReference(job.name.reference);
  emit({ type: "resolving", reference: what });
  const image = await fetchImage(what, source, {
    platform,
    signal,
    cached: async (d) => ((await store.has(d)) ? store.read(d, limits.manifestBytes) : undefined),
  });
  const layers = image.manifest.value.layers.map(({ digest, size }) => ({ digest, size }));
  emit({ type: "resolved", reference: what, digest: image.resolved.digest, layers });
  warnOfOtherPlatform(context, image, platform);
  await pullLayers(image, { store, source, emit, signal });
  for (const document of [image.config, image.manifest, ...image.indexes]) {
    await store.put(document.descriptor.digest, document.bytes);
  }
  await prepareRootfs(context, store, image);
  const reference = referenceOf(job.name, image);
  const stored = await commit(context, store, { reference, image });
  emit({ type: "pulled", reference: what, digest: image.resolved.digest });
  return { stored, repository: repositoryOf(reference), resolved: image.resolved.digest };
}

/** Where nothing can be mounted, each chroot container gets a tree of its own instead. */
async function prepareRootfs(context: Context, store: Store, image: FetchedImage): Promise<void> {
  const { diffIds } = image.config.value;
  const privilege = await context.privilege();
  if (diffIds.length === 0 || privilege.kind === "confined") return;
  await store.ensureRootfs(diffIds, { privilege, emit: context.emit, signal: context.signal });
}

async function commit(
  context: Context,
  store: Store,
  { reference, image }: { readonly reference: Reference; readonly image: FetchedImage },
): Promise<StoredImage> {
  const { descriptor } = image.manifest;
  const stored: StoredImage = {
    name: imageName(reference),
    manifest: { ...descriptor, platform: image.config.value.platform },
    resolved: image.resolved.digest,
    pulled: new Date().toISOString(),
  };
  await store.commit(stored, context.signal);
  return stored;
}

function referenceOf(name: ImageName, image: FetchedImage): Reference {
  if (name.kind === "registry") return name.reference;
  return layoutReference(
    name.directory,
    image.resolved.annotations?.["org.opencontainers.image.ref.name"] ?? name.tag,
  );
}

function warnOfOtherPlatform({ emit }: Context, image: FetchedImage, wanted: Platform): void {
  const actual = image.config.value.platform;
  if (
    samePlatform(actual, wanted) ||
    (actual.os === wanted.os && actual.architecture === wanted.architecture)
  )
    return;
  const message = `the image is for ${formatPlatform(actual)}, not ${formatPlatform(wanted)}`;
  emit({ type: "warning", message });
}
