import { readFile } from "node:fs/promises";
import path from "node:path";
import type { DiffId } from "../core/digest.js";
import { errnoOf, StoreError } from "../core/errors.js";
import type { LayerEntry } from "./entry.js";
import { storeError } from "./files.js";
import { readEntryTable } from "./entry-table.js";
import type { StorePaths } from "./layout.js";
import { applyLayer } from "./merge.js";
import { emptyTree, type DirNode } from "./tree.js";

/** The layers of an image in the store, as merging sees them. */
export interface LayerStack {
  readonly paths: StorePaths;
  /** Bottom first. */
  readonly diffIds: readonly DiffId[];
  warn(message: string): void;
}

/** The tree after each layer, bottom first. @throws LayerError, StoreError NOT_FOUND, CORRUPT */
export async function* stackLayers(stack: LayerStack): AsyncGenerator<DirNode, void> {
  let tree = emptyTree();
  for (const [index, diffId] of stack.diffIds.entries()) {
    const what = `layer ${index + 1} of ${stack.diffIds.length} (${diffId})`;
    const entries = await readLayerEntries(stack.paths, diffId, what);
    tree = applyLayer(tree, { what, index, entries, warn: stack.warn });
    yield tree;
  }
}

/** The tree of the whole image. */
export async function mergeLayers(stack: LayerStack): Promise<DirNode> {
  let top = emptyTree();
  for await (const tree of stackLayers(stack)) top = tree;
  return top;
}

/** What a layer's tar holds, in its order. `what` names it in errors. @throws StoreError NOT_FOUND, CORRUPT */
export async function readLayerEntries(
  paths: StorePaths,
  diffId: DiffId,
  what: string,
): Promise<Generator<LayerEntry, void>> {
  return readEntryTable(what, await readTable(what, path.join(paths.layer(diffId), "entries")));
}

async function readTable(what: string, file: string): Promise<Buffer> {
  return readFile(file).catch((error: unknown) => {
    if (errnoOf(error) !== "ENOENT") throw storeError(what, file, error);
    throw new StoreError("NOT_FOUND", `${what}: not in the store`, { hint: "pull the image again" });
  });
}
