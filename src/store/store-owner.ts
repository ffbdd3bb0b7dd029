import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";
import { errnoText } from "../core/errno-hints.js";
import { errnoOf, StoreError } from "../core/errors.js";
import { printable } from "../core/text.js";

/**
 * Refuses a store that its owner alone may use: to root what writes (docs/adr/0021), to everybody else what they may not
 * read. A store that is not there yet is nobody's. @throws StoreError OTHERS_STORE
 */
export function checkOwner(root: string, { onlyReads }: { readonly onlyReads: boolean }): void {
  if (process.geteuid?.() !== 0) refusePrivateStore(root);
  else if (!onlyReads) refuseOthersStore(root);
}

/**
 * Files of root's in a user's store would lock the user out of it. Whose it is tells the directory that only its maker may
 * enter; the store's own may be a mount point or given away.
 */
function refuseOthersStore(root: string): void {
  const uid = ownerOf(path.join(root, "layers"));
  if (uid === undefined || uid === 0) return;
  throw new StoreError("OTHERS_STORE", `store: ${printable(root)}: belongs to uid ${uid} (expected root)`, {
    hint: `be that user: sudo -u '#${uid}' pullrun --root …; or name another store. Root may look into it: images, ls, ps, …`,
  });
}

/**
 * What is in a store whose owner made its directory readable is still private but for documents and blobs, and listings
 * without it would be false.
 */
function refusePrivateStore(root: string): void {
  try {
    accessSync(path.join(root, "layers"), constants.R_OK | constants.X_OK);
  } catch (error) {
    // What else is wrong, opening the store says.
    if (errnoOf(error) !== "EACCES") return;
    throw new StoreError("OTHERS_STORE", `store: ${printable(root)}: ${ownerText(root)}`, {
      hint: "leave out --root and PULLRUN_ROOT for your own store, or use sudo for that one",
    });
  }
}

/** Who may, or why even that is not to be seen. */
function ownerText(root: string): string {
  try {
    const { uid } = statSync(root);
    return `${uid === 0 ? "only root" : `only uid ${uid} and root`} may read its layers and containers`;
  } catch (error) {
    return errnoText(error);
  }
}

/** Undefined where nobody can tell: why not, opening the store says. */
function ownerOf(file: string): number | undefined {
  try {
    return statSync(file).uid;
  } catch {
    return undefined;
  }
}
