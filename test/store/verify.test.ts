import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { chainIds, hexOf, type DiffId } from "../../src/core/digest.js";
import { emptyContent } from "../../src/store/image-content.js";
import type { Store } from "../../src/store/store.js";
import type { Problem } from "../../src/store/verify.js";
import {
  addImage,
  helper,
  ingest,
  layerOf,
  needsHelper,
  openTestStore,
  temporaryDirectory,
  workerUrl,
  type TestImage,
} from "../support/store.js";
import { needsRealRoot } from "../support/namespaces.js";
import { tar } from "../support/tar.js";
import { openStore } from "../../src/store/store.js";

const privilege = { kind: "root" } as const;
const base = tar({ name: "etc/" }, { name: "etc/passwd", data: "root:x:0:0:root:/root:/bin/sh\n" });
const top = tar(
  { name: "bin/" },
  { name: "bin/x", data: "x".repeat(5000), mode: 0o755 },
  { name: "l", flag: "2", link: "x" },
);

interface Subject extends TestImage {
  readonly store: Store;
}

async function subject(): Promise<Subject> {
  const store = await openTestStore();
  return { store, ...(await addImage(store, "localhost/a:1", [base, top])) };
}

async function problems(store: Store): Promise<readonly Problem[]> {
  return (await store.verify({ privilege })).problems;
}

/** Changes one byte and nothing else about the file. */
function flip(file: string): void {
  const bytes = readFileSync(file);
  const at = bytes.length >> 1;
  bytes[at] = bytes[at]! ^ 1;
  // Blobs are read-only.
  chmodSync(file, 0o600);
  writeFileSync(file, bytes);
}

const layerBlob = layerOf(top).descriptor.digest;

describe.skipIf(needsHelper !== "")(`${needsHelper}verify`, () => {
  test("finds nothing wrong with a good store, and counts what it read", async () => {
    const { store } = await subject();
    const orphan = layerOf(tar({ name: "orphan" }));
    await ingest(store, orphan);
    expect(await store.verify({ privilege })).toEqual({
      problems: [],
      checked: { blobs: 5, layers: 3, rootfs: 0 },
    });
  });

  type Damage = [what: string, damage: (s: Subject) => void, kind: string, state: string];
  const tarOf = ({ store, diffIds }: Subject): string => path.join(store.paths.layer(diffIds[1]!), "tar");
  const entriesOf = ({ store, diffIds }: Subject): string =>
    path.join(store.paths.layer(diffIds[1]!), "entries");
  const damages: Damage[] = [
    [
      "a flipped bit in a manifest",
      ({ store, image }) => flip(store.paths.blob(image.manifest.digest)),
      "blob",
      "damaged",
    ],
    ["a flipped bit in a config", ({ store, config }) => flip(store.paths.blob(config)), "blob", "damaged"],
    ["a flipped bit in a layer's blob", ({ store }) => flip(store.paths.blob(layerBlob)), "blob", "damaged"],
    [
      "a layer's blob cut short",
      ({ store }) => truncateSync(store.paths.blob(layerBlob), 20),
      "blob",
      "damaged",
    ],
    ["an empty blob", ({ store }) => truncateSync(store.paths.blob(layerBlob), 0), "blob", "damaged"],
    [
      "a blob that is a directory",
      ({ store }) => {
        rmSync(store.paths.blob(layerBlob));
        mkdirSync(store.paths.blob(layerBlob));
      },
      "blob",
      "damaged",
    ],
    [
      "a missing manifest",
      ({ store, image }) => rmSync(store.paths.blob(image.manifest.digest)),
      "blob",
      "missing",
    ],
    ["a missing config", ({ store, config }) => rmSync(store.paths.blob(config)), "blob", "missing"],
    ["a missing layer blob", ({ store }) => rmSync(store.paths.blob(layerBlob)), "blob", "missing"],
    ["a flipped bit in a layer's tar", (s) => flip(tarOf(s)), "layer", "damaged"],
    ["a layer's tar cut short", (s) => truncateSync(tarOf(s), 512), "layer", "damaged"],
    ["a layer's tar with something appended", (s) => appendFileSync(tarOf(s), "x"), "layer", "damaged"],
    ["a missing layer tar", (s) => rmSync(tarOf(s)), "layer", "missing"],
    [
      "a missing layer",
      ({ store, diffIds }) => rmSync(store.paths.layer(diffIds[1]!), { recursive: true }),
      "layer",
      "missing",
    ],
    [
      "another layer's content under its name",
      ({ store, diffIds }) =>
        copyFileSync(
          path.join(store.paths.layer(diffIds[0]!), "tar"),
          path.join(store.paths.layer(diffIds[1]!), "tar"),
        ),
      "layer",
      "damaged",
    ],
    ["a flipped bit in an entry table", (s) => flip(entriesOf(s)), "entries", "damaged"],
    ["an entry table cut short", (s) => truncateSync(entriesOf(s), 40), "entries", "damaged"],
    ["a missing entry table", (s) => rmSync(entriesOf(s)), "entries", "missing"],
    ["index.json half written", ({ store }) => truncateSync(store.paths.index, 60), "index", "damaged"],
    ["index.json missing", ({ store }) => rmSync(store.paths.index), "index", "missing"],
    ["index.json empty", ({ store }) => truncateSync(store.paths.index, 0), "index", "damaged"],
  ];
  test.each(damages)("finds %s", async (_what, damage, kind, state) => {
    const it = await subject();
    chmodSync(it.store.paths.blob(layerBlob), 0o644);
    damage(it);
    const found = await problems(it.store);
    expect(found.map((problem) => [problem.kind, problem.state])).toEqual([[kind, state]]);
    if (kind !== "index") expect(found[0]?.images).toEqual(["localhost/a:1"]);
    expect(found[0]?.message).not.toMatch(/\n/);
  });

  test("finds damage nobody's image needs, and says so", async () => {
    const { store } = await subject();
    const orphan = layerOf(tar({ name: "orphan" }));
    await ingest(store, orphan);
    chmodSync(store.paths.blob(orphan.descriptor.digest), 0o644);
    flip(store.paths.blob(orphan.descriptor.digest));
    expect(await problems(store)).toMatchObject([{ kind: "blob", images: [] }]);
  });

  test("looks only at the images it is asked about", async () => {
    const { store, image } = await subject();
    const other = await addImage(store, "localhost/b:1", [tar({ name: "b" })]);
    rmSync(store.paths.layer(other.diffIds[0]!), { recursive: true });
    expect((await store.verify({ privilege, images: [image] })).problems).toEqual([]);
    expect((await store.verify({ privilege, images: [other.image] })).problems).toHaveLength(1);
  });

  test("does not miss a blob that prune --compressed has dropped, nor mind it", async () => {
    const { store } = await subject();
    const prune = { dryRun: false, compressed: true, olderThan: 0, inUse: emptyContent(), privilege };
    expect((await store.prune(prune)).removed).toHaveLength(2);
    expect(await problems(store)).toEqual([]);
  });

  test("leaves unknown files alone and does not report them", async () => {
    const { store } = await subject();
    const strange = ["blobs/sha256/x", "layers/x", "rootfs/x", "ingest/x", "x"].map((name) =>
      path.join(store.paths.root, name),
    );
    for (const file of strange) writeFileSync(file, "x");
    expect(await problems(store)).toEqual([]);
    expect(strange.map((file) => readFileSync(file, "utf8"))).toEqual(strange.map(() => "x"));
  });

  test("an entry table is made anew from the tar, the same byte for byte", async () => {
    const it = await subject();
    const good = readFileSync(entriesOf(it));
    flip(entriesOf(it));
    for (const problem of await problems(it.store)) await it.store.clearDamage(problem, { privilege });
    expect(readFileSync(entriesOf(it))).toEqual(good);
    expect(readdirSync(path.dirname(entriesOf(it))).sort()).toEqual(["entries", "tar"]);
    expect(await problems(it.store)).toEqual([]);
  });

  test("a damaged layer is taken away and comes back out of its blob, without the network", async () => {
    const it = await subject();
    flip(tarOf(it));
    for (const problem of await problems(it.store)) await it.store.clearDamage(problem, { privilege });
    const source = { read: () => Promise.reject(new Error("asked the registry")) };
    await ingest(it.store, layerOf(top), { source });
    expect(await problems(it.store)).toEqual([]);
  });
});

const needsRoot = needsHelper + needsRealRoot;

describe.skipIf(needsRoot !== "").each(["directories", "erofs"] as const)(
  `${needsRoot}verify of root file systems by the driver %s`,
  (rootfsDriver) => {
    async function built(): Promise<Subject & { readonly name: string }> {
      const root = path.join(temporaryDirectory(), "root");
      const store = await openStore(root, { helper, create: true, worker: workerUrl(), rootfsDriver });
      const added = await addImage(store, "localhost/a:1", [base, top]);
      await store.ensureRootfs(added.diffIds, { privilege });
      const chain = hexOf(chainIds(added.diffIds).at(-1)!);
      return { store, ...added, name: rootfsDriver === "erofs" ? `${chain}.erofs` : chain };
    }

    test("finds nothing wrong with what was just built", async () => {
      const { store } = await built();
      const verified = await store.verify({ privilege });
      expect(verified.problems).toEqual([]);
      expect(verified.checked.rootfs).toBe(rootfsDriver === "erofs" ? 1 : 2);
    });

    const inTree: [string, (tree: string) => void][] = [
      [
        "a changed file",
        (tree) => {
          const file = path.join(tree, "bin/x");
          writeFileSync(file, "y".repeat(5000));
          utimesSync(file, 1_700_000_000, 1_700_000_000);
        },
      ],
      ["a missing file", (tree) => rmSync(path.join(tree, "bin/x"))],
      ["an added file", (tree) => writeFileSync(path.join(tree, "bin/y"), "")],
      ["a changed mode", (tree) => chmodSync(path.join(tree, "bin/x"), 0o4755)],
      [
        "a file where a directory was",
        (tree) => {
          rmSync(path.join(tree, "bin"), { recursive: true });
          writeFileSync(path.join(tree, "bin"), "");
        },
      ],
    ];
    const inImage: [string, (file: string) => void][] = [
      ["a flipped bit", flip],
      ["an image cut short", (file) => truncateSync(file, 100)],
      ["bytes appended", (file) => appendFileSync(file, "x")],
    ];
    const facts: [string, (file: string) => void][] = [
      ["facts half written", (file) => truncateSync(`${file}.json`, 10)],
      [
        "facts of something else",
        (file) => writeFileSync(`${file}.json`, '{"passwd":"root::0:0::/:/bin/sh"}'),
      ],
      ["missing facts", (file) => rmSync(`${file}.json`)],
    ];
    test.each([...(rootfsDriver === "erofs" ? inImage : inTree), ...facts])(
      "finds %s, and a repair rebuilds it",
      async (_what, damage) => {
        const { store, name, diffIds } = await built();
        damage(path.join(store.paths.rootfs, name));
        const found = await problems(store);
        expect(found).toMatchObject([{ kind: "rootfs", object: name, images: ["localhost/a:1"] }]);
        await store.clearDamage(found[0]!, { privilege });
        await store.ensureRootfs(diffIds, { privilege });
        expect(await store.verify({ privilege })).toMatchObject({
          problems: [],
          checked: { rootfs: found.length + (rootfsDriver === "erofs" ? 0 : 1) },
        });
      },
    );

    test("layers that make no tree end nothing: what of them is there is checked, or damaged if it cannot be theirs", async () => {
      const { store, name, diffIds } = await built();
      const refused = tar({ name: "bin/x/below-a-file" });
      const bad = await addImage(store, "localhost/bad:1", [base, top, refused]);
      expect(await problems(store)).toEqual([]);
      const of = (ids: readonly DiffId[]): string => name.replace(/^.{64}/, hexOf(chainIds(ids).at(-1)!));
      renameSync(path.join(store.paths.rootfs, of(diffIds)), path.join(store.paths.rootfs, of(bad.diffIds)));
      expect(await problems(store)).toMatchObject([
        {
          kind: "rootfs",
          object: of(bad.diffIds),
          message: expect.stringMatching(/layer 3 of 3 .*bin\/x\/below-a-file: its parent/) as string,
        },
      ]);
    });

    test("a root file system of no image is none of its business", async () => {
      const { store, name } = await built();
      renameSync(
        path.join(store.paths.rootfs, name),
        path.join(store.paths.rootfs, name.replace(/^.{8}/, "00000000")),
      );
      expect(await problems(store)).toEqual([]);
    });
  },
);
