import type { Context } from "./context.js";
import { listImages, type ImageListOptions, type ImageSummary } from "./images.js";
import { layersOf, layerUsers, type LayerInfo } from "./layers.js";

/** An image with its layers, and how many of its bytes only it needs. */
export interface ImageWithLayers {
  readonly image: ImageSummary;
  /** Bottom first. */
  readonly layers: readonly LayerInfo[];
  /** Bytes of uncompressed layers that no other image has. */
  readonly uniqueSize: number;
}

/** The images that {@link listImages} lists, down to their layers. */
export async function listImageTree(context: Context, options: ImageListOptions): Promise<ImageWithLayers[]> {
  const found: ImageWithLayers[] = [];
  const images = await listImages(context, options);
  if (images.length === 0) return found;
  const users = await layerUsers(await context.store({ create: false }), context);
  for (const image of images) {
    // What is no container image has nothing to list.
    if (image.platform === "") continue;
    const layers = await layersOf(context, image.name, users);
    const uniqueSize = layers
      .filter(({ sharedWith }) => sharedWith.length === 0)
      .reduce((sum, { size }) => sum + size, 0);
    found.push({ image, layers, uniqueSize });
  }
  return found;
}
