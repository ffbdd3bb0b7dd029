import path from "node:path";
import { parseDigest, type DiffId } from "../core/digest.js";
import { deleteEntry, type DeleteContext } from "./delete-content.js";
import { atomicWrite, withStoreErrors } from "./files.js";
import { layoutFile } from "./layout.js";
import { withLock } from "./lock.js";
import { rebuildEntries } from "./verify-layer.js";
import type { Problem } from "./verify.js";

/**
 * Takes away what is damaged, so that a pull makes it anew, or makes it anew itself where the store holds all it takes.
 * index.json, which is made of nothing else, is left as it is.
 */
export async function clearDamage(context: DeleteContext, problem: Problem): Promise<void> {
  const { paths, helper, signal } = context;
  await withStoreErrors("repair", problem.object, () =>
    withLock({ helper, file: paths.lock }, { signal }, async () => {
      switch (problem.kind) {
        case "blob":
          return deleteEntry(context, paths.blob(parseDigest(problem.object)));
        case "layer":
          return deleteEntry(context, paths.layer(parseDigest(problem.object) as DiffId));
        case "entries":
          await deleteEntry(
            context,
            path.join(paths.layer(parseDigest(problem.object) as DiffId), "entries"),
          );
          return rebuildEntries(paths, parseDigest(problem.object) as DiffId);
        case "rootfs":
          await deleteEntry(context, path.join(paths.rootfs, problem.object));
          return deleteEntry(context, path.join(paths.rootfs, `${problem.object}.json`));
        case "layout":
          await deleteEntry(context, path.join(paths.root, problem.object));
          return atomicWrite(path.join(paths.root, problem.object), Buffer.from(layoutFile));
        case "index":
          return undefined;
      }
    }),
  );
}
