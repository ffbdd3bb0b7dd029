import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { chainIds, digestOf, hexOf, type DiffId } from "../../src/core/digest.js";
import type { PullEvent } from "../../src/core/events.js";
import type { Privilege } from "../../src/helper/privilege.js";
import { createEntryTableWriter } from "../../src/store/entry-table.js";
import type { RootfsDriverName } from "../../src/store/rootfs.js";
import type { Store } from "../../src/store/store.js";
import { describeDirectory, describeErofs } from "../support/disk-tree.js";
import { needsErofs, runOverErofs } from "../support/erofs.js";
import { addLayout, directory, everyKind, hard, link, unpackWithUmoci } from "../support/images.js";
import { sharedLayout } from "../support/layouts.js";
import { directoriesOf, erofsOf } from "../support/rootfs.js";
import { addImage, openTestStore, temporaryDirectory } from "../support/store.js";
import { tar } from "../support/tar.js";
import { missing } from "../support/tools.js";

const root: Privilege = { kind: "root" };
const needs = needsErofs + missing("tar", "find");
const needsOracle = needs + missing("umoci");

const openWith = (rootfsDriver: RootfsDriverName): Promise<Store> =>
  openTestStore(undefined, { rootfsDriver });

/** Link count, inode type and size of every name: what tar does not tell. */
const census = ["find", ".", "-printf", "%p %y %n %s\\n"];

async function image(store: Store, diffIds: readonly DiffId[]) {
  return erofsOf(await store.ensureRootfs(diffIds, { privilege: root }));
}

async function flat(store: Store, diffIds: readonly DiffId[]): Promise<string> {
  const target = path.join(temporaryDirectory(), "flat");
  await store.unpackFlat(diffIds, target, { privilege: root });
  return target;
}

/** The first lines that are not in both trees. */
function differences(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): unknown[] {
  const names = [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name));
  return names.slice(0, 5).map((name) => ({ name, ours: a.get(name), theirs: b.get(name) }));
}

const long = (length: number): string => "0123456789/".repeat(400).slice(0, length);
const acl = (text: string): Buffer => Buffer.from(text, "hex");

/** What lies at the edges of blocks, fields and numbers. */
const edges: readonly Buffer[] = [
  tar(
    { name: "./", mode: 0o755, mtime: 1_600_000_000 },
    ...["many", "full", "order"].map((name) => directory(name)),
    ...Array.from({ length: 250 }, (_, i) => directory("d/".repeat(i) + "d")),
    ...[1, 150, 300, 430, 440, 447, 448, 449, 511, 512, 513, 1024, 3000, 4095].map((length) =>
      link(`link-${length}`, long(length)),
    ),
    ...[0, 1, 511, 512, 513, 4095, 4096, 4097, 100_000].map((size) => ({
      name: `size-${size}`,
      data: Buffer.alloc(size, `${size} `),
    })),
    ...Array.from({ length: 3000 }, (_, i) => ({ name: `many/${"x".repeat(i % 250)}${i}`, data: `${i}` })),
    ...Array.from({ length: 40 }, (_, i) => ({
      name: `full/${"n".repeat(238)}${String(i).padStart(2, "0")}`,
    })),
    ...["!", "+", "-", "..", ".", "0"].map((name) => ({ name: `order/${name}x` })),
    { name: Buffer.concat([Buffer.from("order/"), Buffer.from([0xff])]) },
    { name: Buffer.concat([Buffer.from("order/"), Buffer.from([0x80, 0xff, 0xc3])]) },
    { name: `${"d/".repeat(250)}deep`, data: "down here" },
    { name: "n".repeat(255) },
    { name: "large-device", flag: "3", major: 511, minor: 1_048_575 },
    { name: "small-device", flag: "4", major: 1, minor: 255 },
    { name: "late", pax: { mtime: "5000000000.999999999" } },
    { name: "early", pax: { mtime: "-2000000000.25" } },
    { name: "owned", pax: { uid: "4294967294", gid: "100000" } },
    { name: "modes", mode: 0o7777 },
    link("odd-mode", "x"),
    { name: "shadowed", data: "below" },
  ),
  tar(
    {
      name: "xattrs",
      data: "x",
      pax: { "SCHILY.xattr.user.b": Buffer.alloc(400, 7) },
    },
    { name: "xattr-dir/", pax: { "SCHILY.xattr.user.on-dir": "d", "SCHILY.xattr.trusted.t": "t" } },
    {
      name: "xattr-link",
      flag: "2",
      link: long(440),
      pax: { "SCHILY.xattr.trusted.t": Buffer.alloc(90, 1) },
    },
    {
      name: "access-list",
      mode: 0o640,
      pax: {
        "SCHILY.xattr.system.posix_acl_access": acl(
          "0200000001000600ffffffff02000400e8030000" + "04000400ffffffff10000400ffffffff20000000ffffffff",
        ),
      },
    },
    {
      name: "capable",
      mode: 0o755,
      pax: { "SCHILY.xattr.security.capability": acl("0100000200200000000000000000000000000000") },
    },
    hard("first-name", "size-513"),
    hard("many/second-name", "first-name"),
    { name: "shadowed", data: "above" },
    { name: "many/.wh.0" },
  ),
  tar(
    hard("third-name", "many/second-name"),
    { name: ".wh.size-513" },
    { name: "order/.wh..wh..opq" },
    { name: "order/new" },
  ),
];

describe.skipIf(needsOracle !== "")(`${needsOracle}an erofs image shows the tree umoci unpacks`, () => {
  test.each([
    ["every kind of node, whiteouts, type changes and links", everyKind, 30],
    ["what lies at the edges of blocks and numbers", edges, 3300],
  ])("for layers with %s", async (_, layers, least) => {
    const store = await openWith("erofs");
    const { diffIds } = await addImage(store, "localhost/a:1", layers);
    const shown = await describeErofs(await image(store, diffIds));
    const umoci = describeDirectory(unpackWithUmoci(store, "localhost/a:1"));
    expect(shown.size).toBeGreaterThan(least);
    expect(differences(shown, umoci)).toEqual([]);
  });

  const busybox = sharedLayout("busybox");
  test.skipIf(busybox === undefined)("needs ../shared: for the genuine busybox", async () => {
    const store = await openWith("erofs");
    const diffIds = await addLayout(store, busybox!, "localhost/busybox:1");
    const shown = await describeErofs(await image(store, diffIds));
    const umoci = describeDirectory(unpackWithUmoci(store, "localhost/busybox:1"));
    expect(shown.size).toBeGreaterThan(400);
    expect(differences(shown, umoci)).toEqual([]);
  });
});

describe.skipIf(needs !== "")(`${needs}erofs root file systems`, () => {
  test("have the link counts and sizes of files on disk", async () => {
    const store = await openWith("erofs");
    const { diffIds } = await addImage(store, "localhost/a:1", edges);
    const unpacked = await flat(store, diffIds);
    // ext4 gives directories sizes of its own.
    const lines = (text: string): string[] =>
      text
        .split("\n")
        .map((line) => line.replace(/( d \d+) \d+$/, "$1"))
        .sort();
    const shown = (await runOverErofs(await image(store, diffIds), census)).toString("latin1");
    const expected = execFileSync("find", census.slice(1), { cwd: unpacked, maxBuffer: 1 << 28 }).toString(
      "latin1",
    );
    expect(lines(shown)).toEqual(lines(expected));
  });

  test("have empty attributes, and none where Linux allows none", async () => {
    const store = await openWith("erofs");
    const layer = tar(
      directory("."),
      { name: "fifo", flag: "6", pax: { "SCHILY.xattr.user.none": "may not be" } },
      { name: "file", pax: { "SCHILY.xattr.user.empty": "" } },
    );
    const { diffIds } = await addImage(store, "localhost/a:1", [layer]);
    const shown = await describeErofs(await image(store, diffIds));
    expect(shown).toEqual(describeDirectory(await flat(store, diffIds)));
    expect(shown.get("fifo")).not.toContain("none");
    expect(shown.get("file")).toContain("user.empty=");
  });

  test("L23: hold files larger than 8 GiB", async () => {
    const store = await openWith("erofs");
    const size = 9 * 2 ** 30 + 3;
    const diffId = addHugeLayer(store, size);
    const lower = await image(store, [diffId]);
    const script =
      "stat -c %s huge; head -c 5 huge; dd if=huge bs=4096 skip=1048576 count=1 status=none | head -c 5; tail -c 7 huge";
    const shown = await runOverErofs(lower, ["sh", "-c", script]);
    expect(shown.toString()).toBe(`${size}\nbegin4 GiBthe-end`);
  });

  test("take sixty layers, and only those that hold data are devices", async () => {
    const store = await openWith("erofs");
    const layers = Array.from({ length: 60 }, (_, i) =>
      tar({ name: `layer-${i}`, data: i % 2 === 0 ? `data of ${i}` : "" }, { name: "all", data: `${i}` }),
    );
    const { diffIds } = await addImage(store, "localhost/a:1", layers);
    const lower = await image(store, diffIds);
    expect(lower.devices).toHaveLength(31);
    const shown = await runOverErofs(lower, ["sh", "-c", "cat layer-* all"]);
    const evens = Array.from({ length: 30 }, (_, i) => `layer-${2 * i}`).sort();
    expect(shown.toString()).toBe(`${evens.map((name) => `data of ${name.slice(6)}`).join("")}59`);
  });

  test("are the same bytes whenever they are built", async () => {
    const bytes = [];
    for (const name of ["localhost/a:1", "localhost/b:2"]) {
      const store = await openWith("erofs");
      const { diffIds } = await addImage(store, name, everyKind);
      bytes.push(readFileSync((await image(store, diffIds)).image));
    }
    expect(bytes[0]).toEqual(bytes[1]);
  });

  test("are built once, found again, and not found without the tars they refer to", async () => {
    const store = await openWith("erofs");
    const { diffIds } = await addImage(store, "localhost/a:1", everyKind);
    const events: PullEvent[] = [];
    const emit = (event: PullEvent): number => events.push(event);
    const built = await store.ensureRootfs(diffIds, { privilege: root, emit });
    expect(built.facts).toMatchObject({ passwd: "root:x:0:0:root:/root:/bin/sh\n", group: "root:x:0:\n" });
    expect(await store.findRootfs(diffIds, root)).toEqual(built);
    expect(await store.ensureRootfs(diffIds, { privilege: root, emit })).toEqual(built);
    expect(events.map((event) => event.type === "rootfs" && event.state)).toEqual([
      "building",
      "done",
      "exists",
    ]);
    expect(readdirSync(store.paths.rootfs).sort()).toEqual(namesOf(diffIds));
    rmSync(path.join(store.paths.layer(diffIds[0]!), "tar"));
    expect(await store.findRootfs(diffIds, root)).toBeUndefined();
  });

  test("are built once by many at the same time, and leave no locks behind", async () => {
    const store = await openWith("erofs");
    const { diffIds } = await addImage(store, "localhost/a:1", everyKind);
    const all = await Promise.all(
      Array.from({ length: 6 }, () => store.ensureRootfs(diffIds, { privilege: root })),
    );
    for (const rootfs of all) expect(rootfs).toEqual(all[0]);
    expect(readdirSync(store.paths.rootfs).sort()).toEqual(namesOf(diffIds));
  });

  test("are written anew over what a killed build left", async () => {
    const store = await openWith("erofs");
    const { diffIds } = await addImage(store, "localhost/a:1", everyKind);
    const stale = path.join(store.paths.rootfs, `.tmp-${hexOf(chainIds(diffIds).at(-1)!)}.erofs`);
    writeFileSync(stale, Buffer.alloc(1 << 20, 1));
    const lower = await image(store, diffIds);
    expect(statSync(lower.image).size).toBeLessThan(1 << 20);
    expect(existsSync(stale)).toBe(false);
  });

  test("go with their image", async () => {
    const store = await openWith("erofs");
    const { image: stored, diffIds } = await addImage(store, "localhost/a:1", everyKind);
    await store.ensureRootfs(diffIds, { privilege: root });
    await store.remove(stored, { privilege: root });
    expect(readdirSync(store.paths.rootfs)).toEqual(["erofs.json"]);
    expect(readdirSync(store.paths.layers)).toEqual([]);
  });

  test("of an image that cannot be one become directories, and a warning says why", async () => {
    const store = await openTestStore();
    // The last file's padding is missing: a loop device would lose its end.
    const archive = tar({ name: "last", data: "x" });
    const { diffIds } = await addImage(store, "localhost/a:1", [archive.subarray(0, 513)]);
    const warnings: string[] = [];
    const emit = (event: PullEvent): void => {
      if (event.type === "warning") warnings.push(event.message);
    };
    const built = await store.ensureRootfs(diffIds, { privilege: root, emit });
    expect(warnings).toEqual([
      expect.stringMatching(/^unpacking the image into directories: erofs: .*padding/),
    ]);
    expect(readFileSync(path.join(directoriesOf(built)[0]!, "last"), "utf8")).toBe("x");
    expect(await store.findRootfs(diffIds, root)).toEqual(built);
  });

  test("leave no mount on the host", async () => {
    const store = await openWith("erofs");
    const { diffIds } = await addImage(store, "localhost/a:1", everyKind);
    await runOverErofs(await image(store, diffIds), ["true"]);
    expect(readFileSync("/proc/self/mounts", "utf8")).not.toMatch(/erofs.*pullrun-|pullrun-.*erofs/);
  });
});

const needsLoops =
  needs +
  (isTmpfs("/dev/shm") ? "" : "needs tmpfs at /dev/shm: ") +
  (existsSync("/dev/loop-control") ? "" : "needs loop devices: ");

describe.skipIf(needsLoops !== "")(`${needsLoops}on tmpfs, which the kernel does not mount from`, () => {
  test("loop devices stand in for the files, and are gone with the mount", async () => {
    const directory = mkdtempSync("/dev/shm/pullrun-store-");
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const store = await openTestStore(path.join(directory, "root"), { rootfsDriver: "erofs" });
    const { diffIds } = await addImage(store, "localhost/a:1", everyKind);
    const lower = await image(store, diffIds);
    const files = await runOverErofs(lower, ["sh", "-c", "cat /sys/block/loop*/loop/backing_file"]);
    expect(files.toString().split("\n")).toEqual(expect.arrayContaining([lower.image, ...lower.devices]));
    expect(await describeErofs(lower)).toEqual(describeDirectory(await flat(store, diffIds)));
    await expect.poll(() => loopsOver(directory)).toEqual([]);
  });
});

function isTmpfs(directory: string): boolean {
  return new RegExp(` ${directory} tmpfs `).test(readFileSync("/proc/self/mounts", "utf8"));
}

/** Loop devices over files below a directory. */
function loopsOver(directory: string): string[] {
  return readdirSync("/sys/block").filter((name) => {
    const file = `/sys/block/${name}/loop/backing_file`;
    return existsSync(file) && readFileSync(file, "utf8").startsWith(directory);
  });
}

function namesOf(diffIds: readonly DiffId[]): string[] {
  const hex = hexOf(chainIds(diffIds).at(-1)!);
  return [`${hex}.erofs`, `${hex}.erofs.json`, "erofs.json"].sort();
}

/** A layer of one file whose data is a hole but for its ends and a mark at 4 GiB, without writing all of it. */
function addHugeLayer(store: Store, size: number): DiffId {
  const diffId = digestOf(Buffer.from(`huge ${size}`)) as DiffId;
  const layer = store.paths.layer(diffId);
  mkdirSync(layer);
  const file = path.join(layer, "tar");
  const offset = 1024;
  writeFileSync(file, "");
  truncateSync(file, offset + Math.ceil(size / 512) * 512);
  writeAt(file, offset, "begin");
  writeAt(file, offset + 2 ** 32, "4 GiB");
  writeAt(file, offset + size - 7, "the-end");
  const pieces: Buffer[] = [];
  const table = createEntryTableWriter((piece) => pieces.push(Buffer.from(piece)));
  const empty = Buffer.alloc(0);
  table.add({
    ...{ path: Buffer.from("huge"), type: "file", size, offset, link: empty, major: 0, minor: 0 },
    ...{ mode: 0o644, uid: 0, gid: 0, mtime: 0, mtimeNs: 0, xattrs: [] },
  });
  table.finish();
  writeFileSync(path.join(layer, "entries"), Buffer.concat(pieces));
  return diffId;
}

function writeAt(file: string, position: number, text: string): void {
  const fd = openSync(file, "r+");
  writeSync(fd, text, position);
  closeSync(fd);
}
