import { hexOf, type DiffId, type Digest } from "../core/digest.js";
import { PullrunError, StoreError } from "../core/errors.js";
import { limits } from "../core/limits.js";
import { isContainerImage, type Manifest } from "../core/manifest.js";
import { printable } from "../core/text.js";
import type { Content } from "../store/image-content.js";
import type { StoredImage } from "../store/refs.js";
import type { Store } from "../store/store.js";
import type { Problem } from "../store/verify.js";
import { surveyContainers } from "./containers/survey.js";
import type { Context } from "./context.js";
import { loadImage, loadManifest } from "./find-image.js";
import { refetchBlobs, refetchLayers, withRegistry, type Refetch } from "./refetch.js";

interface Repair {
  readonly context: Context;
  readonly store: Store;
  readonly problems: readonly Problem[];
  readonly inUse: Content;
  readonly maxUnpacked: number | undefined;
}

export interface RepairOptions {
  /** Most bytes the layers of one image may be when unpacked. */
  readonly maxUnpacked?: number | undefined;
}

/**
 * Clears away what is damaged and makes it anew: from what is left in the store, else from the registry the image's
 * name leads to. What does not work out is told as a warning, and the rest goes on.
 */
export async function repairStore(
  context: Context,
  store: Store,
  problems: readonly Problem[],
  { maxUnpacked }: RepairOptions = {},
): Promise<void> {
  const inUse = await surveyContainers(context, store);
  const repair: Repair = { context, store, problems, inUse, maxUnpacked };
  const privilege = await context.privilege();
  for (const problem of problems) {
    if (problem.state === "missing" && !clearedIfMissing.has(problem.kind)) continue;
    await attempt(repair, problem.object, async () => {
      refuseUsed(repair, problem);
      await store.clearDamage(problem, { privilege, signal: context.signal });
    });
  }
  if (problems.some(({ kind }) => kind === "index")) return;
  for (const image of await store.images()) {
    if (problems.some(({ images }) => images.includes(image.name)))
      await attempt(repair, image.name, () => refill(repair, image));
  }
}

/** What is written in its place, not fetched or unpacked; a layer without its tar still has a directory in the way. */
const clearedIfMissing: ReadonlySet<Problem["kind"]> = new Set(["entries", "layout", "layer"]);

/** A damaged tar or tree still serves the container better than none. */
function refuseUsed({ inUse }: Repair, { kind, object, state }: Problem): void {
  if (state === "missing") return;
  const used =
    kind === "layer"
      ? inUse.diffIds.has(object as DiffId)
      : kind === "rootfs" && [...inUse.chainIds].some((chainId) => object.startsWith(hexOf(chainId)));
  if (!used) return;
  throw new StoreError("LOCKED", `${kind} ${object}: a container uses it`, {
    hint: "remove the container first",
  });
}

async function attempt({ context }: Repair, object: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof PullrunError) || context.signal.aborted) throw error;
    context.emit({ type: "warning", message: `repair of ${printable(object)}: ${error.message}` });
  }
}

/** Brings back what an image lacks: its documents, its layers, its root file system if it had one. */
async function refill({ context, store, problems, maxUnpacked }: Repair, image: StoredImage): Promise<void> {
  const bad = new Set(problems.map(({ object }) => object));
  await withRegistry(context, image, async (open) => {
    const manifest = await refillDocuments(context, { store, image, open });
    if (!isContainerImage(manifest)) {
      const lost = manifest.layers.filter(({ digest }) => bad.has(digest));
      return refetchBlobs(context, { store, image, open }, lost);
    }
    await refetchLayers(context, { store, image, open, maxUnpacked }, (layer) => {
      return bad.has(layer.descriptor.digest) || bad.has(layer.diffId);
    });
  });
  if (!problems.some(({ kind, images }) => kind === "rootfs" && images.includes(image.name))) return;
  const { config } = await loadImage(store, image);
  const privilege = await context.privilege();
  await store.ensureRootfs(config.value.diffIds, { privilege, signal: context.signal });
}

async function refillDocuments({ signal }: Context, { store, image, open }: Refetch): Promise<Manifest> {
  if (image.resolved !== image.manifest.digest && !(await isThere(store, image.resolved))) {
    const source = await open(image.resolved);
    const bytes = await source.document(await source.resolve(signal), signal);
    await store.put(image.resolved, bytes);
  }
  if (!(await store.has(image.manifest))) {
    const bytes = await (await open(image.manifest.digest)).document(image.manifest, signal);
    await store.put(image.manifest.digest, bytes);
  }
  const { value: manifest } = await loadManifest(store, image);
  const { config } = manifest;
  if (!(await store.has(config))) {
    const source = await open(image.manifest.digest);
    await store.put(config.digest, await source.smallBlob(config, limits.configBytes, signal));
  }
  return manifest;
}

/** Its size is only known to those that have it. */
async function isThere(store: Store, digest: Digest): Promise<boolean> {
  return (await store.content().open(digest)) !== undefined;
}
