import { lstat } from "node:fs/promises";
import path from "node:path";
import { errnoOf, StoreError } from "../core/errors.js";
import { printable } from "../core/text.js";
import type { Helper } from "../helper/helper.js";
import type { Plan } from "../helper/plan.js";
import type { Privilege } from "../helper/privilege.js";
import { cloneStep } from "./materialise.js";

export interface RemovalContext {
  readonly helper: Helper;
  readonly privilege: Privilege;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Deletes a directory tree by file descriptors, never following a link out of it. In a user namespace, where the
 * files belong to ids that only exist there. Absent is fine. @throws StoreError STORE_IO if something stays
 */
export async function removeTree(
  directory: string,
  { helper, privilege, signal }: RemovalContext,
): Promise<void> {
  if (!(await exists(directory))) return;
  await helper.run(removalPlan([directory], privilege), signal === undefined ? {} : { signal });
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

/** The same for several, but returns at once. What stays nobody is told. */
export async function beginRemoving(
  directories: readonly string[],
  { helper, privilege }: RemovalContext,
): Promise<void> {
  await helper.begin(removalPlan(directories, privilege));
}

function removalPlan(directories: readonly string[], privilege: Privilege): Plan {
  return [
    cloneStep(privilege),
    { kind: "exit", code: 0 },
    { kind: "cleanup" },
    ...directories.map((directory) => ({ kind: "remove-tree", path: directory }) as const),
  ];
}

async function exists(directory: string): Promise<boolean> {
  return lstat(directory).then(
    () => true,
    (error: unknown) => errnoOf(error) !== "ENOENT",
  );
}
