import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { LaunchError } from "../../src/core/errors.js";
import type { PullEvent } from "../../src/core/events.js";
import type { Helper } from "../../src/helper/helper.js";
import type { Privilege } from "../../src/helper/privilege.js";
import type { RootfsDriverName } from "../../src/store/rootfs.js";
import { openStore, type Store } from "../../src/store/store.js";
import { needsRealRoot } from "../support/namespaces.js";
import { needsErofs } from "../support/erofs.js";
import { directoriesOf, erofsOf } from "../support/rootfs.js";
import { addImage, helper, needsHelper, openTestStore } from "../support/store.js";
import { tar } from "../support/tar.js";

const root: Privilege = { kind: "root" };
const single: Privilege = {
  kind: "single",
  uidMap: [{ inside: 0, outside: process.getuid?.() ?? 0, count: 1 }],
  gidMap: [{ inside: 0, outside: process.getgid?.() ?? 0, count: 1 }],
};
const layers = [tar({ name: "file", data: "content" })];

interface Kernel {
  /** Times somebody mounted an image. */
  mounts: number;
  readonly helper: Helper;
}

/** The helper on a kernel that mounts EROFS images, or refuses to. */
function kernel(refusal?: string): Kernel {
  const seen: Kernel = {
    mounts: 0,
    helper: {
      ...helper,
      async run(plan, options) {
        const mount = plan.find(({ kind }) => kind === "mount-erofs");
        if (mount === undefined) return helper.run(plan, options);
        seen.mounts++;
        if (refusal === undefined) return 0;
        const object = "image" in mount ? mount.image : "";
        throw new LaunchError("HELPER_FAILED", `cannot mount erofs: ${object}: ${refusal}`, {
          details: { object },
        });
      },
    },
  };
  return seen;
}

/** The same store, by somebody else. */
const reopen = (store: Store, on: Kernel, rootfsDriver?: RootfsDriverName): Promise<Store> =>
  openStore(store.paths.root, { helper: on.helper, create: false, rootfsDriver });

async function ensure(store: Store, diffIds: Parameters<Store["ensureRootfs"]>[0], privilege = root) {
  const warnings: string[] = [];
  const emit = (event: PullEvent): void => {
    if (event.type === "warning") warnings.push(event.message);
  };
  return { rootfs: await store.ensureRootfs(diffIds, { privilege, emit }), warnings };
}

const needs = needsHelper + needsRealRoot;

describe.skipIf(needs !== "")(`${needs}the driver for root file systems`, () => {
  test("is erofs where a trial mount works, which is made once", async () => {
    const able = kernel();
    const store = await openTestStore(undefined, { helper: able.helper });
    const { diffIds } = await addImage(store, "localhost/a:1", layers);
    const { rootfs, warnings } = await ensure(store, diffIds);
    expect(erofsOf(rootfs).devices).toHaveLength(1);
    expect(warnings).toEqual([]);
    await ensure(await reopen(store, able), diffIds);
    expect(able.mounts).toBe(1);
  });

  test("is directories where it fails, and one warning says why, once", async () => {
    const unable = kernel("no such device");
    const store = await openTestStore(undefined, { helper: unable.helper });
    const { diffIds } = await addImage(store, "localhost/a:1", layers);
    const { rootfs, warnings } = await ensure(store, diffIds);
    expect(readFileSync(path.join(directoriesOf(rootfs)[0]!, "file"), "utf8")).toBe("content");
    expect(warnings).toEqual([
      "unpacking images into directories: erofs does not work here: cannot mount erofs: no such device",
    ]);
    expect((await ensure(await reopen(store, unable), diffIds)).warnings).toEqual([]);
    expect(unable.mounts).toBe(1);
    expect(readdirSync(store.paths.rootfs).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test.each(["boot", "kernel"])("is tried again on another %s", async (field) => {
    const unable = kernel("no such device");
    const store = await openTestStore(undefined, { helper: unable.helper });
    const { diffIds } = await addImage(store, "localhost/a:1", layers);
    await ensure(store, diffIds);
    const file = path.join(store.paths.rootfs, "erofs.json");
    const verdict = JSON.parse(readFileSync(file, "utf8")) as object;
    writeFileSync(file, JSON.stringify({ ...verdict, [field]: "another" }));
    await ensure(store, diffIds);
    expect(unable.mounts).toBe(2);
  });

  test("is tried again where the note of the last trial is damaged", async () => {
    const able = kernel();
    const store = await openTestStore(undefined, { helper: able.helper });
    const { diffIds } = await addImage(store, "localhost/a:1", layers);
    writeFileSync(path.join(store.paths.rootfs, "erofs.json"), "{");
    erofsOf((await ensure(store, diffIds)).rootfs);
    expect(able.mounts).toBe(1);
  });

  test("is what it was for a root file system that is there", async () => {
    const store = await openTestStore(undefined, { rootfsDriver: "directories" });
    const { diffIds } = await addImage(store, "localhost/a:1", layers);
    const { rootfs } = await ensure(store, diffIds);
    const other = await reopen(store, kernel());
    expect((await ensure(other, diffIds)).rootfs).toEqual(rootfs);
  });

  test("is directories without privilege, and nobody is warned", async () => {
    const able = kernel();
    const store = await openTestStore(undefined, { helper: able.helper });
    const { diffIds } = await addImage(store, "localhost/a:1", layers);
    const { rootfs, warnings } = await ensure(store, diffIds, single);
    expect(directoriesOf(rootfs)).toHaveLength(1);
    expect({ warnings, mounts: able.mounts }).toEqual({ warnings: [], mounts: 0 });
  });

  test("erofs, if asked for by name, is tried whatever was found before, and never replaced", async () => {
    const store = await openTestStore(undefined, { helper: kernel("no such device").helper });
    const { diffIds } = await addImage(store, "localhost/a:1", layers);
    await ensure(store, diffIds);
    const insisting = await reopen(store, kernel("invalid argument"), "erofs");
    await expect(ensure(insisting, diffIds)).rejects.toThrow(
      "root file system: erofs is not possible here: cannot mount erofs: invalid argument",
    );
    await expect(ensure(insisting, diffIds, single)).rejects.toThrow(
      "erofs is not possible here: it takes root",
    );
    erofsOf((await ensure(await reopen(store, kernel(), "erofs"), diffIds)).rootfs);
  });

  test.skipIf(needsErofs !== "")(`${needsErofs}works for real after the trial said so`, async () => {
    const store = await openTestStore();
    const { diffIds } = await addImage(store, "localhost/a:1", layers);
    erofsOf((await ensure(store, diffIds)).rootfs);
    expect(JSON.parse(readFileSync(path.join(store.paths.rootfs, "erofs.json"), "utf8"))).not.toHaveProperty(
      "problem",
    );
  });
});
