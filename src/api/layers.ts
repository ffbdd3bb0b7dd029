import { loadImage } from "./find-image.js";
import { PullrunError } from "../core/errors.js";
import { hasBlob } from "../store/blobs.js";
import { layersSize } from "../store/layers.js";
import { isWhiteoutName } from "../store/whiteouts.js";
import type { Store } from "../store/store.js";
import type { Context } from "./context.js";
import { openWholeImage, type ImageTarget } from "./image-target.js";
import { alignHistory } from "./layer-history.js";

/** One layer of an image. */
export interface LayerInfo {
  /** 1 is the bottom layer. */
  readonly layer: number;
  readonly digest: string;
  readonly diffId: string;
  readonly mediaType: string;
  /** Bytes as the registry has it. */
  readonly compressedSize: number;
  /** Whether those bytes are still in the store. */
  readonly compressedStored: boolean;
  /** Bytes of the uncompressed tar. */
  readonly size: number;
  /** What the tar holds: entries of any type, regular files among them (without whiteouts), and the bytes of their data. */
  readonly entries: number;
  readonly files: number;
  readonly fileBytes: number;
  /** Names of other images in the store with this layer; other names of the same image do not count. */
  readonly sharedWith: readonly string[];
  /** The build step that made it, where the history tells. */
  readonly createdBy?: string;
}

/** The layers of an image, bottom first. @throws StoreError NOT_FOUND */
export async function listLayers(context: Context, image: string): Promise<LayerInfo[]> {
  const store = await context.store({ create: false });
  return layersOf(context, image, await layerUsers(store, context));
}

/** The same, for a caller that asks for several images. */
export async function layersOf(context: Context, image: string, users: LayerUsers): Promise<LayerInfo[]> {
  const store = await context.store({ create: false });
  const target = await openWholeImage(context, image);
  const { value: config, descriptor } = target.image.config;
  const { steps } = alignHistory(config.history, config.diffIds.length);
  const infos: LayerInfo[] = [];
  for (const [i, diffId] of config.diffIds.entries()) {
    const createdBy = steps.find(({ layer }) => layer === i + 1)?.entry.createdBy;
    const others = (users.get(diffId) ?? []).filter(({ id }) => id !== descriptor.digest);
    infos.push({
      ...(await describe(store, target, i)),
      sharedWith: others.map(({ name }) => name),
      ...(createdBy === undefined ? {} : { createdBy }),
    });
  }
  return infos;
}

async function describe(
  store: Store,
  { image, files }: ImageTarget,
  i: number,
): Promise<Omit<LayerInfo, "sharedWith">> {
  const { manifest, config } = image;
  const descriptor = manifest.value.layers[i];
  const diffId = config.value.diffIds[i];
  if (descriptor === undefined || diffId === undefined) throw new RangeError(`layer ${i + 1}`);
  const count = { entries: 0, files: 0, fileBytes: 0 };
  for (const { type, size, path } of await files.entries(i + 1)) {
    count.entries++;
    if (type === "file" && !isWhiteoutName(path)) count.files++;
    count.fileBytes += size;
  }
  return {
    layer: i + 1,
    digest: descriptor.digest,
    diffId,
    mediaType: descriptor.mediaType,
    compressedSize: descriptor.size,
    compressedStored: await hasBlob(store.paths, descriptor),
    size: layersSize(store.paths, [diffId]),
    ...count,
  };
}

/** The images that have each layer, by diffID. */
export type LayerUsers = ReadonlyMap<string, readonly { readonly name: string; readonly id: string }[]>;

/** Damaged images are left out with a warning: they keep nobody from looking at the others. */
export async function layerUsers(store: Store, context: Pick<Context, "emit">): Promise<LayerUsers> {
  const users = new Map<string, { name: string; id: string }[]>();
  for (const stored of await store.images()) {
    const local = await loadImage(store, stored).catch((error: unknown) => {
      if (!(error instanceof PullrunError)) throw error;
      if (error.code === "UNSUPPORTED_MEDIA") return;
      context.emit({ type: "warning", message: error.message });
    });
    for (const diffId of new Set(local?.config.value.diffIds)) {
      const user = { name: stored.name, id: local?.config.descriptor.digest ?? "" };
      users.set(diffId, [...(users.get(diffId) ?? []), user]);
    }
  }
  return users;
}
