import type { DiffId } from "../core/digest.js";
import type { LayerEntry } from "./entry.js";
import { readLayerEntries, stackLayers } from "./layer-stack.js";
import { layerTars } from "./layout.js";
import type { StorePaths } from "./layout.js";
import { emptyTree, type DirNode } from "./tree.js";

/** The files of a stored image as its entry tables tell them: nothing is unpacked and no tar is read. */
export interface ImageFiles {
  /** How many layers there are. */
  readonly layers: number;
  /** The tar of each layer, bottom first. */
  readonly tars: readonly string[];
  /**
   * The tree a container sees, or what the lowest `layers` layers make of it. Trees of several heights share the
   * directories in which they do not differ. @throws LayerError, StoreError
   */
  tree(layers?: number): Promise<DirNode>;
  /** The entries of one layer in the order of its tar; 1 is the bottom layer. @throws StoreError NOT_FOUND, CORRUPT */
  entries(layer: number): Promise<Iterable<LayerEntry>>;
}

export function openImageFiles(
  paths: StorePaths,
  diffIds: readonly DiffId[],
  warn: (message: string) => void,
): ImageFiles {
  const stack = stackLayers({ paths, diffIds, warn });
  const trees = [emptyTree()];
  return {
    layers: diffIds.length,
    tars: layerTars({ paths, diffIds }),
    async tree(layers = diffIds.length) {
      while (trees.length <= layers) {
        const next = await stack.next();
        if (next.done === true)
          throw new RangeError(`tree of ${layers} layers (there are ${diffIds.length})`);
        trees.push(next.value);
      }
      return trees[layers] ?? emptyTree();
    },
    async entries(layer) {
      const diffId = diffIds[layer - 1];
      if (diffId === undefined) throw new RangeError(`layer ${layer} of ${diffIds.length}`);
      return readLayerEntries(paths, diffId, `layer ${layer} of ${diffIds.length} (${diffId})`);
    },
  };
}
