import type { Digest } from "../core/digest.js";
import { layoutReference, type ImageName } from "../core/image-name.js";
import { platformCandidates, samePlatform, type Platform } from "../core/platform.js";
import { repositoryOf, type Reference } from "../core/reference.js";
import { imageName, type StoredImage } from "../store/refs.js";
import type { Store } from "../store/store.js";
import type { Context } from "./context.js";
import { isArtifact, type Fetched, type FetchedImage } from "./fetch-image.js";

export interface Commit {
  readonly name: ImageName;
  /** What the name stands for; their layers are in the store. */
  readonly found: readonly [Fetched, ...Fetched[]];
  readonly platform: Platform;
}

/**
 * Makes what was fetched visible, the image for `platform` under the name and last; the others, and all where there is
 * none for it, as if pulled by digest. Returns the one for `platform`, else the first. Nothing is unpacked of artifacts.
 */
export async function commitFound(context: Context, store: Store, commit: Commit): Promise<StoredImage> {
  const { name, found, platform } = commit;
  const reference = referenceOf(name, found[0]);
  const images = found.flatMap((one) => (isArtifact(one) ? [] : [one]));
  const chosen = found.length === 1 ? found[0] : imageFor(images, platform);
  let first: StoredImage | undefined;
  for (const one of found) {
    await putDocuments(store, one);
    if (one === chosen) continue;
    const { digest } = one.manifest.descriptor;
    const stored = storedAs(`${repositoryOf(reference)}@${digest}`, one, digest);
    await store.commit(stored, context.signal);
    first ??= stored;
  }
  if (chosen === undefined) return first as StoredImage;
  if (!isArtifact(chosen)) await prepareRootfs(context, store, chosen);
  const stored = storedAs(imageName(reference), chosen, chosen.resolved.digest);
  await store.commit(stored, context.signal);
  return stored;
}

/** The reference an image has in the store: for one from a layout, the layout's own name for it. */
export function referenceOf(name: ImageName, image: Pick<FetchedImage, "resolved">): Reference {
  if (name.kind === "registry") return name.reference;
  return layoutReference(
    name.directory,
    image.resolved.annotations?.["org.opencontainers.image.ref.name"] ?? name.tag,
  );
}

/** The image of an index that a single pull for `wanted` would take. */
function imageFor(images: readonly FetchedImage[], wanted: Platform): FetchedImage | undefined {
  for (const candidate of platformCandidates(wanted)) {
    const hit = images.find(({ manifest, config }) =>
      samePlatform(manifest.descriptor.platform ?? config.value.platform, candidate),
    );
    if (hit !== undefined) return hit;
  }
  return undefined;
}

async function putDocuments(store: Store, image: Fetched): Promise<void> {
  for (const document of [image.config, image.manifest, ...image.indexes])
    await store.put(document.descriptor.digest, document.bytes);
}

/**
 * Where nothing can be mounted, each chroot container gets a tree of its own instead, and it is only made sure that
 * there is one: an image no tree can be made of is refused here, not at each run.
 */
async function prepareRootfs(context: Context, store: Store, image: FetchedImage): Promise<void> {
  const { diffIds } = image.config.value;
  const privilege = await context.privilege();
  if (diffIds.length === 0) return;
  if (privilege.kind === "confined") await store.facts(diffIds);
  else await store.ensureRootfs(diffIds, { privilege, emit: context.emit, signal: context.signal });
}

function storedAs(name: string, fetched: Fetched, resolved: Digest): StoredImage {
  const { descriptor } = fetched.manifest;
  return {
    name,
    manifest: isArtifact(fetched) ? descriptor : { ...descriptor, platform: fetched.config.value.platform },
    resolved,
    pulled: new Date().toISOString(),
  };
}
