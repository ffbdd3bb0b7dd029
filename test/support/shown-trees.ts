import { mkdirSync } from "node:fs";
import path from "node:path";
import type { PullEvent } from "../../src/core/events.js";
import type { DiffId } from "../../src/core/digest.js";
import type { Privilege } from "../../src/helper/privilege.js";
import type { Store } from "../../src/store/store.js";
import { describeDirectory, describeErofs, describeOverlay } from "./disk-tree.js";
import { needsErofs } from "./erofs.js";
import { needsNamespaces } from "./namespaces.js";
import { directoriesOf, erofsOf } from "./rootfs.js";
import { addImage, needsHelper, openTestStore, temporaryDirectory } from "./store.js";
import { isRoot, missing } from "./tools.js";

/** Each way an image's tree comes to be seen, so that one case tries them all. */

export interface ShownTree {
  /** One line per name, as {@link describeDirectory} has it. */
  readonly lines: Record<string, string>;
  readonly warnings: readonly string[];
}

export interface Way {
  readonly name: string;
  /** `""`, or the front of a skipped test's name. */
  readonly needs: string;
  show(layers: readonly Buffer[]): Promise<ShownTree>;
}

const root: Privilege = { kind: "root" };
const needs = needsHelper + (isRoot ? needsNamespaces : "needs root: ") + missing("tar", "unshare");

export const ways: readonly Way[] = [
  {
    name: "erofs",
    needs: needsErofs + missing("tar"),
    show: showing("erofs", async (store, diffIds, emit) =>
      describeErofs(erofsOf(await store.ensureRootfs(diffIds, { privilege: root, emit }))),
    ),
  },
  {
    name: "directories",
    needs,
    show: showing("directories", async (store, diffIds, emit) => {
      const empty = temporaryDirectory();
      for (const name of ["lowest", "mnt"]) mkdirSync(path.join(empty, name));
      const built = await store.ensureRootfs(diffIds, { privilege: root, emit });
      return describeOverlay(directoriesOf(built), empty);
    }),
  },
  {
    name: "unpacked flat",
    needs,
    show: showing("directories", async (store, diffIds, emit) => {
      const flat = path.join(temporaryDirectory(), "flat");
      await store.unpackFlat(diffIds, flat, { privilege: root, emit });
      return describeDirectory(flat);
    }),
  },
];

type Show = (
  store: Store,
  diffIds: readonly DiffId[],
  emit: (event: PullEvent) => void,
) => Promise<ReadonlyMap<string, string>>;

function showing(rootfsDriver: "erofs" | "directories", show: Show): Way["show"] {
  return async (layers) => {
    const store = await openTestStore(undefined, { rootfsDriver });
    const { diffIds } = await addImage(store, "localhost/a:1", layers);
    const warnings: string[] = [];
    const lines = await show(store, diffIds, (event) => {
      if (event.type === "warning") warnings.push(event.message);
    });
    return { lines: Object.fromEntries(lines), warnings };
  };
}
