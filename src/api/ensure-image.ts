import { StoreError } from "../core/errors.js";
import { parseImageName } from "../core/image-name.js";
import { formatPlatform, type Platform } from "../core/platform.js";
import { printable } from "../core/text.js";
import type { StoredImage } from "../store/refs.js";
import type { Store } from "../store/store.js";
import type { Context } from "./context.js";
import { findStored, loadImage, type LocalImage } from "./find-image.js";

export interface ImageRequest {
  readonly image: string;
  readonly platform: Platform;
  /** Whether the user chose the platform: then an image of another one in the store does not do. */
  readonly platformGiven: boolean;
  readonly pull: "missing" | "always" | "never";
  /** Most bytes its layers may be when unpacked, together. */
  readonly maxUnpacked?: number;
}

/** The image from the store, pulled first if the policy says so. @throws StoreError NOT_FOUND with `never` */
export async function ensureImage(context: Context, request: ImageRequest): Promise<LocalImage> {
  const store = await context.store({ create: true });
  // A layout on disk is always read again: it costs no network and may have changed.
  const isLayout = parseImageName(request.image).kind === "layout";
  if (request.pull === "never" || (request.pull === "missing" && !isLayout)) {
    const [stored] = await findStored(store, request.image);
    if (stored !== undefined && fits(stored, request))
      return within(request, store, await loadImage(store, stored));
    if (request.pull === "never") throw notThere(request, stored);
  }
  // Loaded here: an image that is there needs nothing of it, and a warm run is to be quick.
  const { pull } = await import("./pull.js");
  const pulled = await pull(context, request);
  return loadImage(store, pulled.stored);
}

/** @throws LayerError TOO_BIG */
async function within({ maxUnpacked }: ImageRequest, store: Store, image: LocalImage): Promise<LocalImage> {
  if (maxUnpacked === undefined) return image;
  const bytes = store.layersSize(image.config.value.diffIds);
  if (bytes <= maxUnpacked) return image;
  const { tooBig } = await import("../store/unpack-budget.js");
  throw tooBig(`image ${printable(image.stored.name)}:`, maxUnpacked);
}

function fits({ manifest }: StoredImage, { platform, platformGiven }: ImageRequest): boolean {
  const actual = manifest.platform;
  if (!platformGiven || actual === undefined) return true;
  const sameVariant = platform.variant === undefined || platform.variant === actual.variant;
  return platform.os === actual.os && platform.architecture === actual.architecture && sameVariant;
}

function notThere({ image, platform }: ImageRequest, other: StoredImage | undefined): StoreError {
  const observed =
    other === undefined ? "not in the store" : `in the store, but not for ${formatPlatform(platform)}`;
  return new StoreError("NOT_FOUND", `image: ${printable(image, 100)}: ${observed}`, {
    hint: "pull it first, or leave out --pull=never",
  });
}
