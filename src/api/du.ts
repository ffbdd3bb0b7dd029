import type { LayerEntry } from "../store/entry.js";
import type { ImageFiles } from "../store/image-files.js";
import { isWhiteoutName } from "../store/whiteouts.js";
import type { DirNode } from "../store/tree.js";
import type { Context } from "./context.js";
import { walkTree } from "./file-info.js";
import { directoriesBelow, type DirectoryRequest, type DirectoryUsage } from "./directory-usage.js";
import { openWholeImage, type ImageTarget } from "./image-target.js";
import { alignHistory } from "./layer-history.js";
import { infoOf } from "./layer-listing.js";
import { nodeAt } from "./tree-path.js";

/** Where the bytes of an image are. All sizes count the data of files, without tar's headers. */
export interface ImageUsage {
  readonly layers: readonly LayerUsage[];
  /** Of the final tree, biggest first; a directory includes what is below it, hard-linked data counts once. */
  readonly directories: readonly DirectoryUsage[];
  /** Data in layers that no container sees, biggest first. */
  readonly wasted: readonly WastedFile[];
  readonly totalBytes: number;
  readonly wastedBytes: number;
  /** Share of the bytes in all layers that is in the final tree: 1 is best, also for an image without data. */
  readonly efficiency: number;
}

export interface LayerUsage {
  /** 1 is the bottom layer. */
  readonly layer: number;
  readonly diffId: string;
  readonly files: number;
  readonly bytes: number;
  readonly wastedBytes: number;
  readonly createdBy?: string;
}

export interface WastedFile {
  readonly path: Buffer;
  /** Whose tar holds the data. */
  readonly layer: number;
  readonly bytes: number;
  /** Whether the final tree has something else under that name, or nothing. */
  readonly fate: "overwritten" | "deleted";
}

export interface UsageRequest extends DirectoryRequest {
  readonly image: string;
}

/** @throws StoreError NOT_FOUND */
export async function imageUsage(context: Context, request: UsageRequest): Promise<ImageUsage> {
  return usageOf(await openWholeImage(context, request.image), request);
}

/** The same for an image that is open. */
export async function usageOf({ image, files }: ImageTarget, request: DirectoryRequest): Promise<ImageUsage> {
  const tree = await files.tree();
  const { layers, wasted } = await surveyLayers(files, tree);
  const { diffIds, history } = image.config.value;
  const { steps } = alignHistory(history, diffIds.length);
  const totalBytes = sum(layers, ({ bytes }) => bytes);
  const wastedBytes = sum(wasted, ({ bytes }) => bytes);
  return {
    layers: layers.map((usage) => {
      const createdBy = steps.find(({ layer }) => layer === usage.layer)?.entry.createdBy;
      const diffId = diffIds[usage.layer - 1] ?? "";
      return { ...usage, diffId, ...(createdBy === undefined ? {} : { createdBy }) };
    }),
    directories: directoriesBelow(tree, request),
    wasted: wasted.sort((a, b) => b.bytes - a.bytes),
    totalBytes,
    wastedBytes,
    efficiency: totalBytes === 0 ? 1 : (totalBytes - wastedBytes) / totalBytes,
  };
}

async function surveyLayers(files: ImageFiles, tree: DirNode) {
  const visible = visibleData(tree, files.layers);
  const layers: Omit<LayerUsage, "diffId">[] = [];
  const wasted: WastedFile[] = [];
  for (let layer = 1; layer <= files.layers; layer++) {
    const usage = { layer, files: 0, bytes: 0, wastedBytes: 0 };
    for (const entry of await files.entries(layer)) {
      if (entry.type !== "file" || isWhiteoutName(entry.path)) continue;
      usage.files++;
      usage.bytes += entry.size;
      if (entry.size === 0 || visible[layer - 1]?.has(entry.offset) === true) continue;
      usage.wastedBytes += entry.size;
      wasted.push(wastedFile(tree, entry, layer));
    }
    layers.push(usage);
  }
  return { layers, wasted };
}

/** Per layer, where the data of the files that a container sees begins. */
function visibleData(tree: DirNode, layers: number): readonly ReadonlySet<number>[] {
  const offsets = Array.from({ length: layers }, () => new Set<number>());
  for (const [, node] of walkTree("/", tree)) if (node.kind === "file") offsets[node.layer]?.add(node.offset);
  return offsets;
}

function wastedFile(tree: DirNode, entry: LayerEntry, layer: number): WastedFile {
  const path = infoOf(entry, layer)?.path ?? entry.path;
  const now = nodeAt(tree, path.toString("latin1"));
  return { path, layer, bytes: entry.size, fate: now === undefined ? "deleted" : "overwritten" };
}

function sum<T>(list: readonly T[], of: (element: T) => number): number {
  return list.reduce((total, element) => total + of(element), 0);
}
