import { formatPlatform } from "../core/platform.js";
import type { Store } from "../store/store.js";
import type { Context } from "./context.js";
import { loadImage, requireStored, type LocalImage } from "./find-image.js";

/** What `pullrun inspect` shows; field names follow the image-spec. */
export interface ImageDetails {
  readonly names: readonly string[];
  readonly id: string;
  /** What the name resolved to, which is an index for a multi-platform image. */
  readonly digest: string;
  readonly manifest: string;
  readonly platform: string;
  readonly created?: string;
  readonly author?: string;
  /** Bytes of all layers, uncompressed. */
  readonly size: number;
  readonly config: LocalImage["config"]["value"]["process"];
  readonly layers: readonly {
    readonly digest: string;
    readonly diffId: string;
    readonly mediaType: string;
    readonly size: number;
  }[];
  readonly history: LocalImage["config"]["value"]["history"];
}

/** @throws StoreError NOT_FOUND */
export async function inspectImage(context: Context, image: string): Promise<ImageDetails> {
  const { store, names, local } = await open(context, image);
  const { value: config, descriptor } = local.config;
  return {
    names,
    id: descriptor.digest,
    digest: local.stored.resolved,
    manifest: local.manifest.descriptor.digest,
    platform: formatPlatform(config.platform),
    ...(config.created === undefined ? {} : { created: config.created }),
    ...(config.author === undefined ? {} : { author: config.author }),
    size: store.layersSize(config.diffIds),
    config: config.process,
    layers: local.manifest.value.layers.map(({ digest, mediaType, size }, i) => ({
      digest,
      diffId: config.diffIds[i] ?? "",
      mediaType,
      size,
    })),
    history: config.history,
  };
}

/** The image config byte for byte. */
export async function rawConfig(context: Context, image: string): Promise<Uint8Array> {
  const { local } = await open(context, image);
  return local.config.bytes;
}

async function open(
  context: Context,
  image: string,
): Promise<{ store: Store; names: string[]; local: LocalImage }> {
  const store = await context.store({ create: false });
  const [first, ...others] = await requireStored(store, image);
  return {
    store,
    names: [first, ...others].map(({ name }) => name),
    local: await loadImage(store, first),
  };
}
