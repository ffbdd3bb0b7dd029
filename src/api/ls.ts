import type { DirNode } from "../store/tree.js";
import type { Context } from "./context.js";
import { createLinkTracker, nodeInfo, walkTree, type FileInfo } from "./file-info.js";
import { openImage } from "./image-target.js";
import { listLayer } from "./layer-listing.js";
import { normalize, notFound, requireNode } from "./tree-path.js";

export interface ListRequest {
  /** `IMAGE` for the tree a container sees, `IMAGE@LAYER` for what that layer's tar itself holds. */
  readonly image: string;
  readonly path: string;
  readonly recursive: boolean;
}

/**
 * What is in a directory of an image, or the one file that `path` names. Links on the way are followed inside the image.
 * The list can be gone through any number of times; what it tells of a name is made anew each time and not kept, so that
 * a hundred thousand names take no more memory than their tree.
 * @throws StoreError NOT_FOUND
 */
export async function listFiles(context: Context, request: ListRequest): Promise<Iterable<FileInfo>> {
  const { files, layer } = await openImage(context, request.image);
  const path = normalize(request.path);
  if (layer !== undefined) {
    const listed = listLayer(await files.entries(layer), { ...request, path, layer });
    if (listed === undefined) throw notFound(path);
    return listed;
  }
  const found = requireNode(await files.tree(), path);
  if (found.node.kind !== "dir") return [nodeInfo(found.path, found.node)];
  const { path: at, node } = found;
  return request.recursive ? { [Symbol.iterator]: () => listAll(at, node) } : listOne(at, node);
}

function* listAll(path: string, directory: DirNode): Generator<FileInfo, void> {
  const earlierName = createLinkTracker();
  for (const [at, node] of walkTree(path, directory)) yield nodeInfo(at, node, earlierName(at, node));
}

function listOne(path: string, { children }: DirNode): FileInfo[] {
  const prefix = path === "/" ? path : `${path}/`;
  const sorted = [...children].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, node]) => nodeInfo(prefix + name, node));
}
