import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  lstatSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { chainIds, hexOf, type DiffId } from "../../src/core/digest.js";
import type { PullEvent } from "../../src/core/events.js";
import type { Privilege } from "../../src/helper/privilege.js";
import { removeTree } from "../../src/store/remove-tree.js";
import type { Store } from "../../src/store/store.js";
import { needsNamespaces } from "../support/namespaces.js";
import { describeDirectory, describeOverlay } from "../support/disk-tree.js";
import { addLayout, everyKind, hard, link, unpackWithUmoci } from "../support/images.js";
import { sharedLayout } from "../support/layouts.js";
import { directoriesOf } from "../support/rootfs.js";
import { addImage, helper, needsHelper, openTestStore, temporaryDirectory } from "../support/store.js";
import { paxHeader, tar, type TarEntrySpec } from "../support/tar.js";
import { isRoot, missing } from "../support/tools.js";

const root: Privilege = { kind: "root" };
const single: Privilege = {
  kind: "single",
  uidMap: [{ inside: 0, outside: 0, count: 1 }],
  gidMap: [{ inside: 0, outside: 0, count: 1 }],
};
/** As /etc/subuid would give it, but with maps that root may write itself. */
const ranges = [
  { inside: 0, outside: 0, count: 1 },
  { inside: 1, outside: 200_000, count: 65_535 },
];
const subordinate: Privilege = {
  kind: "subordinate",
  uidMap: ranges,
  gidMap: ranges,
  newuidmap: "",
  newgidmap: "",
};

const openDirectories = (): Promise<Store> => openTestStore(undefined, { rootfsDriver: "directories" });

const needsRoot = isRoot ? "" : "needs root: ";
const needs = needsHelper + (needsRoot === "" ? needsNamespaces : needsRoot);
const needsOracle = needs + missing("umoci", "tar", "unshare");

/** Unpacked flat, and as an overlay of our lower directories. */
async function bothWays(store: Store, diffIds: readonly DiffId[]) {
  const flat = path.join(temporaryDirectory(), "flat");
  await store.unpackFlat(diffIds, flat, { privilege: root });
  const lowers = directoriesOf(await store.ensureRootfs(diffIds, { privilege: root }));
  const empty = temporaryDirectory();
  mkdirSync(path.join(empty, "lowest"));
  mkdirSync(path.join(empty, "mnt"));
  return { flat: describeDirectory(flat), overlay: describeOverlay(lowers, empty) };
}

describe.skipIf(needsOracle !== "")(`${needsOracle}the same tree as umoci's, flat and as overlay`, () => {
  test("for layers with every kind of node, whiteouts, type changes and links", async () => {
    const store = await openDirectories();
    const { diffIds } = await addImage(store, "localhost/a:1", everyKind);
    const umoci = describeDirectory(unpackWithUmoci(store, "localhost/a:1"));
    const { flat, overlay } = await bothWays(store, diffIds);
    expect(flat.size).toBeGreaterThan(30);
    expect(Object.fromEntries(flat)).toEqual(Object.fromEntries(umoci));
    expect(Object.fromEntries(overlay)).toEqual(Object.fromEntries(umoci));
  });

  const busybox = sharedLayout("busybox");
  test.skipIf(busybox === undefined)("needs ../shared: for the genuine busybox", async () => {
    const store = await openDirectories();
    const diffIds = await addLayout(store, busybox!, "localhost/busybox:1");
    const umoci = describeDirectory(unpackWithUmoci(store, "localhost/busybox:1"));
    const { flat, overlay } = await bothWays(store, diffIds);
    expect(flat.size).toBeGreaterThan(400);
    expect(Object.fromEntries(flat)).toEqual(Object.fromEntries(umoci));
    expect(Object.fromEntries(overlay)).toEqual(Object.fromEntries(umoci));
  });
});

describe.skipIf(needs !== "")(`${needs}root file systems as directories`, () => {
  test("are built once, found without the layers, and share lower directories", async () => {
    const store = await openDirectories();
    const { diffIds } = await addImage(store, "localhost/a:1", everyKind);
    const events: PullEvent[] = [];
    const emit = (event: PullEvent): number => events.push(event);
    const built = await store.ensureRootfs(diffIds, { privilege: root, emit });
    expect(built.lowers).toEqual(
      chainIds(diffIds)
        .map((id) => path.join(store.paths.rootfs, hexOf(id)))
        .reverse(),
    );
    expect(built.facts).toEqual({ passwd: "root:x:0:0:root:/root:/bin/sh\n", group: "root:x:0:\n" });
    rmSync(store.paths.layers, { recursive: true });
    expect(await store.findRootfs(diffIds, root)).toEqual(built);
    expect(await store.ensureRootfs(diffIds, { privilege: root, emit })).toEqual(built);
    expect(await store.findRootfs(diffIds.slice(0, 2), root)).toMatchObject({
      lowers: built.lowers.slice(-2),
    });
    expect(events.map((event) => event.type === "rootfs" && event.state)).toEqual([
      "building",
      "done",
      "exists",
    ]);
  });

  test("are built once by many at the same time, and leave no locks behind", async () => {
    const store = await openDirectories();
    const { diffIds } = await addImage(store, "localhost/a:1", everyKind);
    const all = await Promise.all(
      Array.from({ length: 6 }, () => store.ensureRootfs(diffIds, { privilege: root })),
    );
    for (const rootfs of all) expect(rootfs).toEqual(all[0]);
    const expected = chainIds(diffIds).flatMap((id) => [hexOf(id), `${hexOf(id)}.json`]);
    expect(readdirSync(store.paths.rootfs).sort()).toEqual(expected.sort());
  });

  test("are swept and built anew after a build that was killed", async () => {
    const store = await openDirectories();
    const { diffIds } = await addImage(store, "localhost/a:1", everyKind);
    const stale = path.join(store.paths.rootfs, `.tmp-${hexOf(chainIds(diffIds)[0]!)}`);
    mkdirSync(path.join(stale, "etc"), { recursive: true });
    writeFileSync(path.join(stale, "etc/passwd"), "stale");
    const lowers = directoriesOf(await store.ensureRootfs(diffIds, { privilege: root }));
    expect(readFileSync(path.join(lowers.at(-1)!, "etc/passwd"), "utf8")).toContain("root:x:0:0");
    expect(existsSync(stale)).toBe(false);
  });

  test("of an image whose layers are refused leave nothing visible", async () => {
    const store = await openDirectories();
    const { diffIds } = await addImage(store, "localhost/a:1", [
      tar({ name: "ok" }),
      tar(hard("x", "etc/shadow")),
    ]);
    const failure = await store.ensureRootfs(diffIds, { privilege: root }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "BAD_TAR",
      message: expect.stringMatching(/^layer 2 of 2 \(sha256:.*x: is a hard link/) as string,
    });
    expect(await store.findRootfs(diffIds, root)).toBeUndefined();
    expect(readdirSync(store.paths.rootfs).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("go with their image, directories nobody may write included", async () => {
    const store = await openDirectories();
    const { image, diffIds } = await addImage(store, "localhost/a:1", everyKind);
    await store.ensureRootfs(diffIds, { privilege: root });
    await store.ensureRootfs(diffIds, { privilege: single });
    await store.remove(image, { privilege: root });
    expect(readdirSync(store.paths.rootfs)).toEqual([]);
  });

  test("of an image without layers are refused", async () => {
    const store = await openDirectories();
    await expect(store.ensureRootfs([], { privilege: root })).rejects.toMatchObject({
      code: "UNSUPPORTED_LAYER",
    });
  });

  test("of layers that are not in the store are refused", async () => {
    const store = await openDirectories();
    const { diffIds } = await addImage(store, "localhost/a:1", everyKind);
    rmSync(store.paths.layer(diffIds[1]!), { recursive: true });
    await expect(store.ensureRootfs(diffIds, { privilege: root })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
  });

  test("do not go into a directory that holds something", async () => {
    const store = await openDirectories();
    const { diffIds } = await addImage(store, "localhost/a:1", everyKind);
    const target = temporaryDirectory();
    writeFileSync(path.join(target, "mine"), "x");
    await expect(store.unpackFlat(diffIds, target, { privilege: root })).rejects.toMatchObject({
      code: "STORE_IO",
    });
    expect(readdirSync(target)).toEqual(["mine"]);
  });
});

describe.skipIf(needs !== "")(`${needs}with less privilege`, () => {
  async function unpack(privilege: Privilege, archives = everyKind) {
    const store = await openDirectories();
    const { diffIds } = await addImage(store, "localhost/a:1", archives);
    const warnings: string[] = [];
    const emit = (event: PullEvent): void => {
      if (event.type === "warning") warnings.push(event.message);
    };
    const target = path.join(temporaryDirectory(), "flat");
    const result = store.unpackFlat(diffIds, target, { privilege, emit });
    return { store, diffIds, target, warnings, result };
  }

  test("L13: one id: owners become root, devices and capabilities are left out, each said once", async () => {
    const { target, warnings, result } = await unpack(single);
    await result;
    expect(statSync(path.join(target, "suid"))).toMatchObject({ uid: 0, gid: 0, mode: 0o106755 });
    expect(existsSync(path.join(target, "disk"))).toBe(false);
    expect(lstatSync(path.join(target, "pipe")).isFIFO()).toBe(true);
    expect(readFileSync(path.join(target, "usr/three"), "utf8")).toBe("linked");
    expect(warnings).toHaveLength(3);
    expect(warnings.join()).toMatch(/subuid.*device nodes|device nodes.*subuid/s);
    expect(warnings.join()).toContain("security.capability");
  });

  test("L13: ranges of ids: owners are kept, through the map", async () => {
    const { target, result } = await unpack(subordinate);
    await result;
    expect(statSync(path.join(target, "suid"))).toMatchObject({ uid: 200_999, gid: 200_999, mode: 0o106755 });
    expect(statSync(path.join(target, "etc/passwd"))).toMatchObject({ uid: 0 });
    await removeTree(target, { helper, privilege: subordinate });
    expect(existsSync(target)).toBe(false);
  });

  test.each(["uid", "gid"])(
    "L13: a %s outside the ranges is refused with the number and where to get more",
    async (key) => {
      const { result } = await unpack(subordinate, [tar({ name: "far", pax: { [key]: "1000640000" } })]);
      const failure = await result.catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: "UNSUPPORTED_LAYER",
        message: expect.stringMatching(/\/far: .*1000640000 .*0-0, 1-65535/) as string,
        hint: expect.stringContaining("/etc/sub") as string,
      });
    },
  );

  test("L12: a device that cannot be made hides the file it replaces, and leaves none behind where it is new", async () => {
    const store = await openDirectories();
    const { diffIds } = await addImage(store, "localhost/a:1", [
      tar({ name: "d/" }, { name: "d/was-a-file", data: "secret" }, { name: "d/kept", data: "kept" }),
      tar(
        { name: "d/was-a-file", flag: "3", major: 1, minor: 7 },
        { name: "d/new", flag: "4", major: 8, minor: 0 },
      ),
    ]);
    const lowers = directoriesOf(await store.ensureRootfs(diffIds, { privilege: single }));
    const empty = temporaryDirectory();
    for (const name of ["lowest", "mnt"]) mkdirSync(path.join(empty, name));
    expect([...describeOverlay(lowers, empty).keys()].sort()).toEqual(["", "d", "d/kept"]);
  });

  test("overlay directories of another privilege are not taken for ours", async () => {
    const store = await openDirectories();
    const { diffIds } = await addImage(store, "localhost/a:1", everyKind);
    await store.ensureRootfs(diffIds, { privilege: root });
    expect(await store.findRootfs(diffIds, single)).toBeUndefined();
    const lowers = directoriesOf(await store.ensureRootfs(diffIds, { privilege: single }));
    expect(statSync(path.join(lowers.at(-1)!, "suid")).uid).toBe(0);
    expect(lstatSync(path.join(lowers.at(-2)!, "gone"))).toMatchObject({ rdev: 0 });
    expect(lstatSync(path.join(lowers.at(-2)!, "gone")).isCharacterDevice()).toBe(true);
  });
});

describe.skipIf(needs !== "")(`${needs}the host stays untouched by`, () => {
  const canary = temporaryDirectory();
  test.each<[string, TarEntrySpec[][]]>([
    [
      "L2: a file through an absolute link",
      [[link("a", canary), { name: "a/canary", data: "HOST PATH WAS CHANGED" }]],
    ],
    [
      "L2: a file through a relative link",
      [
        [
          link("a", `${"../".repeat(30)}${canary.slice(1)}`),
          { name: "a/canary", data: "HOST PATH WAS CHANGED" },
        ],
      ],
    ],
    [
      "L2: a file through a link of a lower layer",
      [[link("a", canary)], [{ name: "a/canary", data: "HOST PATH WAS CHANGED" }]],
    ],
    [
      "L8: a file over a link to a host file",
      [[link("a", `${canary}/canary`)], [{ name: "a", data: "HOST PATH WAS CHANGED" }]],
    ],
    [
      "L6: a mode for a hard link of a link to a host file",
      [[link("a", `${canary}/canary`), hard("b", "a")], [{ name: "b", mode: 0o777 }]],
    ],
    ["L15: a whiteout through an absolute link", [[link("a", canary)], [{ name: "a/.wh.canary" }]]],
    ["L15: an opaque mark through an absolute link", [[link("a", canary)], [{ name: "a/.wh..wh..opq" }]]],
    [
      "L8: a directory over a link to a host directory",
      [
        [link("a", canary)],
        [
          { name: "a/", mode: 0o777 },
          { name: "a/canary", data: "HOST" },
        ],
      ],
    ],
  ])("%s", async (_name, entries) => {
    const file = path.join(canary, "canary");
    writeFileSync(file, "untouched", { mode: 0o600 });
    const before = { directory: statSync(canary), file: statSync(file) };
    const store = await openDirectories();
    const { diffIds } = await addImage(
      store,
      "localhost/a:1",
      entries.map((layer) => tar(...layer)),
    );
    await store.unpackFlat(diffIds, path.join(temporaryDirectory(), "flat"), { privilege: root });
    await store.ensureRootfs(diffIds, { privilege: root });
    expect(readFileSync(file, "utf8")).toBe("untouched");
    expect(readdirSync(canary)).toEqual(["canary"]);
    expect({ mode: statSync(file).mode, nlink: statSync(file).nlink }).toEqual({
      mode: before.file.mode,
      nlink: 1,
    });
    expect(statSync(canary).mode).toBe(before.directory.mode);
  });

  test("an /etc/passwd that is a link to the host's, or no regular file", async () => {
    const store = await openDirectories();
    const archives = [
      tar(link("etc/passwd", "/host-secret"), { name: "etc/group", flag: "6" }, paxHeader("g", {})),
    ];
    writeFileSync(path.join(canary, "canary"), "secret");
    const { diffIds } = await addImage(store, "localhost/a:1", archives);
    expect(await store.facts(diffIds)).toEqual({ passwd: undefined, group: undefined });
  });
});
