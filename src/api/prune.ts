import path from "node:path";
import type { Pruned, PrunedItem } from "../store/gc.js";
import { addAll } from "../store/image-content.js";
import { diskBytes } from "../store/inventory.js";
import { listContainers, removeAbandoned } from "./containers/survey.js";
import type { Context } from "./context.js";

export interface PruneRequest {
  /** Delete nothing, but say what would go. */
  readonly dryRun: boolean;
  /** Drop the compressed form of unpacked layers too. */
  readonly compressed: boolean;
  /** Milliseconds: what changed later than this ago stays. */
  readonly olderThan: number;
}

export type { Pruned, PrunedItem };

/**
 * Deletes what no image, running pull or container needs, and the directories of dead containers.
 * @throws StoreError NOT_FOUND without a store, CORRUPT if a damaged image hides what it needs
 */
export async function pruneStore(context: Context, request: PruneRequest): Promise<Pruned> {
  const store = await context.store({ create: false });
  const privilege = await context.privilege();
  const { used: inUse, resting, abandoned } = await listContainers(context, store);
  addAll(inUse, resting);
  const containers: PrunedItem[] = [];
  for (const directory of abandoned) {
    const bytes = await diskBytes(directory);
    containers.push({ kind: "container", name: path.basename(directory), bytes });
    if (!request.dryRun) await removeAbandoned(context, store, directory);
  }
  const { removed, young } = await store.prune({ ...request, inUse, privilege, signal: context.signal });
  return { removed: [...containers, ...removed], young };
}
