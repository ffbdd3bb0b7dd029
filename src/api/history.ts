import { printable } from "../core/text.js";
import { layersSize } from "../store/layers.js";
import type { Context } from "./context.js";
import { openWholeImage } from "./image-target.js";
import { alignHistory } from "./layer-history.js";

/** One line of `pullrun history`. Texts are the image author's. */
export interface HistoryRow {
  /** Set on the newest step, which made the image. */
  readonly id?: string;
  /** ISO 8601 as the image says, which may be no time at all. */
  readonly created?: string;
  readonly createdBy?: string;
  readonly comment?: string;
  /** Number and digest of the layer the step made; absent for steps that changed no file. */
  readonly layer?: number;
  readonly diffId?: string;
  /** Bytes of that layer, uncompressed; 0 for steps without one; absent where the history does not tell. */
  readonly size?: number;
}

export interface ImageHistory {
  /** Newest first. */
  readonly rows: readonly HistoryRow[];
  /** False if the steps cannot be matched with the layers: then steps come first, and each layer on its own after them. */
  readonly consistent: boolean;
}

/** How an image was built, as far as it tells. A missing or inconsistent history is no error. @throws StoreError NOT_FOUND */
export async function imageHistory(context: Context, image: string): Promise<ImageHistory> {
  const store = await context.store({ create: false });
  const { image: local } = await openWholeImage(context, image);
  const { diffIds, history } = local.config.value;
  const sizes = diffIds.map((diffId) => layersSize(store.paths, [diffId]));
  const layerOf = (layer: number): HistoryRow => ({
    layer,
    diffId: diffIds[layer - 1] ?? "",
    size: sizes[layer - 1] ?? 0,
  });
  const { steps, consistent } = alignHistory(history, diffIds.length);
  const rows = steps.map(({ entry: { emptyLayer, ...texts }, layer }): HistoryRow => {
    if (layer !== undefined) return { ...texts, ...layerOf(layer) };
    return emptyLayer ? { ...texts, size: 0 } : texts;
  });
  if (!consistent) {
    rows.unshift(...diffIds.map((_, i) => layerOf(i + 1)));
    if (history.length > 0) context.emit({ type: "warning", message: mismatch(image) });
  }
  const [newest, ...older] = rows.toReversed();
  if (newest === undefined) return { rows: [], consistent };
  return { rows: [{ id: local.config.descriptor.digest, ...newest }, ...older], consistent };
}

function mismatch(image: string): string {
  return `image ${printable(image, 100)}: its history does not match its layers, so no step is given a size`;
}
