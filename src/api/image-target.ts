import { isDigest } from "../core/digest.js";
import { UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { openImageFiles, type ImageFiles } from "../store/image-files.js";
import type { Store } from "../store/store.js";
import type { Context } from "./context.js";
import { findStored, loadImage, requireStored, type LocalImage } from "./find-image.js";

/** What `IMAGE[@LAYER]` names, opened for looking into. */
export interface ImageTarget {
  readonly image: LocalImage;
  /** 1 is the bottom layer. */
  readonly layer?: number;
  readonly files: ImageFiles;
}

/**
 * Finds `IMAGE` or `IMAGE@LAYER` in the store: LAYER is a number from 1 at the bottom, or the beginning (four hex digits
 * or more) of a layer's digest or diffID. A full digest is the image's where an image has it.
 * @throws StoreError NOT_FOUND, UsageError BAD_REFERENCE
 */
export async function openImage(context: Context, name: string): Promise<ImageTarget> {
  const store = await context.store({ create: false });
  const { image, layer } = await find(store, name);
  const local = await loadImage(store, image);
  const files = openImageFiles(store.paths, local.config.value.diffIds, (message) =>
    context.emit({ type: "warning", message }),
  );
  return { image: local, files, ...(layer === undefined ? {} : { layer: layerNumber(local, layer) }) };
}

/** Like {@link openImage} where a layer cannot be meant. */
export async function openWholeImage(context: Context, name: string): Promise<ImageTarget> {
  const target = await openImage(context, name);
  if (target.layer === undefined) return target;
  throw new UsageError("BAD_REFERENCE", `image: ${printable(name, 100)}: names a layer (expected an image)`);
}

async function find(store: Store, name: string) {
  const at = name.lastIndexOf("@");
  const layer = at < 0 ? "" : name.slice(at + 1);
  if (isLayerName(layer)) {
    const [whole] = isDigest(layer) ? await findStored(store, name) : [];
    if (whole !== undefined) return { image: whole };
    const [image] = await requireStored(store, name.slice(0, at));
    return { image, layer };
  }
  const [image] = await requireStored(store, name);
  return { image };
}

function isLayerName(text: string): boolean {
  return isNumber(text) || /^(?:sha256:)?[0-9a-f]{4,64}$/.test(text);
}

function isNumber(text: string): boolean {
  return /^[0-9]{1,3}$/.test(text);
}

function layerNumber({ stored, manifest, config }: LocalImage, name: string): number {
  const { diffIds } = config.value;
  const fitting = isNumber(name)
    ? [Number(name)].filter((number) => number >= 1 && number <= diffIds.length)
    : diffIds.flatMap((diffId, i) =>
        beginsWith(diffId, name) || beginsWith(manifest.value.layers[i]?.digest ?? "", name) ? [i + 1] : [],
      );
  const [only, ...others] = fitting;
  if (only !== undefined && others.length === 0) return only;
  const observed = only === undefined ? "no such layer" : `fits layers ${fitting.join(", ")}`;
  throw new UsageError(
    "BAD_REFERENCE",
    `layer: ${printable(name, 80)}: ${observed} (expected one of ${diffIds.length})`,
    { hint: `\`pullrun layers ${printable(stored.name)}\` lists them` },
  );
}

function beginsWith(digest: string, name: string): boolean {
  return digest.startsWith(name.startsWith("sha256:") ? name : `sha256:${name}`);
}
