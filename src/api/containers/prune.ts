import path from "node:path";
import { LaunchError } from "../../core/errors.js";
import { diskBytes } from "../../store/inventory.js";
import type { Context } from "../context.js";
import { isUp } from "./container.js";
import { containerFilter } from "./filters.js";
import { allContainers } from "./find.js";
import { deleteContainer } from "./remove.js";

export interface PrunedContainers {
  /** Their ids. */
  readonly removed: readonly string[];
  /** Freed on disk. */
  readonly bytes: number;
}

/** Removes every container that does not run, of those that fit the filters of `ps`. @throws UsageError BAD_VALUE */
export async function pruneContainers(
  context: Context,
  filters: readonly string[],
): Promise<PrunedContainers> {
  const all = await allContainers(context);
  const fits = containerFilter(filters, all);
  const removed: string[] = [];
  let bytes = 0;
  for (const container of all) {
    const { id, directory, phase } = container;
    if (isUp(phase) || !fits(container)) continue;
    const size = await diskBytes(path.join(directory, "upper"));
    try {
      await deleteContainer(context, { directory, container, volumes: false });
    } catch (error) {
      // Started meanwhile: then it is none of those.
      if (error instanceof LaunchError && error.code === "STILL_RUNNING") continue;
      throw error;
    }
    removed.push(id);
    bytes += size;
  }
  return { removed, bytes };
}
