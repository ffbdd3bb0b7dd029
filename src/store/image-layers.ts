import type { Descriptor } from "../core/descriptor.js";
import type { DiffId } from "../core/digest.js";
import { parseImageConfig } from "../core/image-config.js";
import { limits } from "../core/limits.js";
import { isContainerImage, parseManifest } from "../core/manifest.js";
import { readBlob } from "./blobs.js";
import type { StorePaths } from "./layout.js";
import type { StoredImage } from "./refs.js";

export interface ImageLayer {
  readonly descriptor: Descriptor;
  readonly diffId: DiffId;
}

/** An image's layers by its documents, bottom first; none of what is no container image. @throws StoreError, IntegrityError, RegistryError if those are damaged */
export async function imageLayers(paths: StorePaths, image: StoredImage): Promise<ImageLayer[]> {
  const { name, manifest: descriptor } = image;
  const bytes = await readBlob(paths, descriptor, limits.manifestBytes);
  const manifest = parseManifest(name, bytes, descriptor.mediaType);
  if (manifest.kind !== "manifest" || !isContainerImage(manifest)) return [];
  const config = parseImageConfig(name, await readBlob(paths, manifest.config, limits.configBytes));
  return manifest.layers.flatMap((layer, i) => {
    const diffId = config.diffIds[i];
    return diffId === undefined ? [] : [{ descriptor: layer, diffId }];
  });
}
