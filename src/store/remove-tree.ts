import { lstat } from "node:fs/promises";
import path from "node:path";
import { errnoOf, StoreError } from "../core/errors.js";
import { printable } from "../core/text.js";
import type { Helper } from "../helper/helper.js";
import type { Privilege } from "../helper/privilege.js";
import { cloneStep } from "./materialise.js";

/**
 * Deletes a directory tree by file descriptors, never following a link out of it. In a user namespace, where the
 * files belong to ids that only exist there. Absent is fine. @throws StoreError STORE_IO if something stays
 */
export async function removeTree(
  directory: string,
  options: {
    readonly helper: Helper;
    readonly privilege: Privilege;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<void> {
  const { helper, privilege, signal } = options;
  if (!(await exists(directory))) return;
  await helper.run(
    [
      cloneStep(privilege),
      { kind: "exit", code: 0 },
      { kind: "cleanup" },
      { kind: "remove-tree", path: directory },
    ],
    signal === undefined ? {} : { signal },
  );
  // Steps of the cleanup phase do not fail a plan.
  if (!(await exists(directory))) return;
  throw new StoreError(
    "STORE_IO",
    `remove: ${printable(path.basename(directory))}: could not be deleted whole`,
    {
      hint: "files of another user's namespace take that user, or root, to delete",
    },
  );
}

async function exists(directory: string): Promise<boolean> {
  return lstat(directory).then(
    () => true,
    (error: unknown) => errnoOf(error) !== "ENOENT",
  );
}
