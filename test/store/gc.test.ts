import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { chainIds, hexOf, parseDigest } from "../../src/core/digest.js";
import { atomicWrite } from "../../src/store/files.js";
import { addLayers, emptyContent } from "../../src/store/image-content.js";
import type { Pruned } from "../../src/store/gc.js";
import type { Store } from "../../src/store/store.js";
import {
  addImage,
  helper,
  ingest,
  layerOf,
  needsHelper,
  openTestStore,
  type TestLayer,
} from "../support/store.js";
import { tar } from "../support/tar.js";

const privilege = { kind: "root" } as const;
const base = tar({ name: "base", data: "base" });
const hour = 3_600_000;
const some = parseDigest(`sha256:${"b".repeat(64)}`);

interface Options {
  readonly dryRun?: boolean;
  readonly compressed?: boolean;
  readonly olderThan?: number;
  readonly inUse?: ReturnType<typeof emptyContent>;
}

function prune(store: Store, options: Options = {}): Promise<Pruned> {
  return store.prune({
    dryRun: false,
    compressed: false,
    olderThan: 0,
    inUse: emptyContent(),
    privilege,
    ...options,
  });
}

function listed({ removed }: Pruned): string[] {
  return removed.map(({ kind, name }) => `${kind} ${name.slice(0, 11)}`);
}

function age(file: string): void {
  const old = Date.now() / 1000 - 7200;
  utimesSync(file, old, old);
}

async function orphan(store: Store, name: string): Promise<TestLayer> {
  const layer = layerOf(tar({ name, data: name }));
  await ingest(store, layer);
  return layer;
}

const needs = needsHelper + (process.getuid?.() === 0 ? "" : "needs root: ");

describe.skipIf(needs !== "")(`${needs}prune`, () => {
  test("a pull removes the reservation that a killed one had only half written", async () => {
    const store = await openTestStore();
    writeFileSync(path.join(store.paths.ingests, ".tmp-0123456789abcdef"), '{"blobs":[');
    const reservation = await store.reserve(emptyContent());
    expect(readdirSync(store.paths.ingests)).toEqual([expect.stringMatching(/^pull-/)]);
    await reservation.release();
  });

  test("deletes blobs, layers and root file systems of no image, and says what they took", async () => {
    const store = await openTestStore();
    const kept = await addImage(store, "localhost/a:1", [base]);
    await store.ensureRootfs(kept.diffIds, { privilege });
    const layer = await orphan(store, "orphan");
    await store.ensureRootfs([layer.diffId], { privilege });
    const before = await store.images();
    const pruned = await prune(store);
    const hex = hexOf(layer.diffId).slice(0, 11);
    expect(new Set(listed(pruned))).toEqual(
      new Set([`rootfs ${hex}`, `layer ${hex}`, `blob ${hexOf(layer.descriptor.digest).slice(0, 11)}`]),
    );
    expect(pruned.removed.every(({ bytes }) => bytes > 0)).toBe(true);
    expect(await store.images()).toEqual(before);
    expect(await store.findRootfs(kept.diffIds, privilege)).toBeDefined();
    expect(readdirSync(store.paths.layers)).toEqual([hexOf(kept.diffIds[0]!)]);
    expect((await prune(store)).removed).toEqual([]);
  });

  test("with --dry-run names the same and deletes nothing", async () => {
    const store = await openTestStore();
    await orphan(store, "orphan");
    const files = (): string[] =>
      readdirSync(store.paths.root, { recursive: true, encoding: "utf8" })
        .filter((name) => name !== "lock")
        .sort();
    const before = files();
    const planned = await prune(store, { dryRun: true, compressed: true });
    expect(files()).toEqual(before);
    expect(planned).toEqual(await prune(store, { compressed: true }));
    expect(planned.removed).toHaveLength(2);
  });

  test("leaves what a running pull has reserved, until it ends", async () => {
    const store = await openTestStore();
    const layer = await orphan(store, "wanted");
    const content = emptyContent();
    addLayers(content, [layer.diffId]);
    content.blobs.add(layer.descriptor.digest);
    const reservation = await store.reserve(content);
    expect((await prune(store)).removed).toEqual([]);
    await reservation.release();
    expect((await prune(store)).removed).toHaveLength(2);
    expect(readdirSync(store.paths.ingests)).toEqual([]);
  });

  test("takes no notice of the reservation of a pull that was killed, and sweeps it", async () => {
    const store = await openTestStore();
    const layer = await orphan(store, "wanted");
    const text = { blobs: [layer.descriptor.digest], diffIds: [layer.diffId], chainIds: [] };
    await atomicWrite(path.join(store.paths.ingests, "pull-dead"), Buffer.from(JSON.stringify(text)));
    expect((await prune(store)).removed).toHaveLength(2);
    expect(readdirSync(store.paths.ingests)).toEqual([]);
  });

  test("leaves layers and root file systems containers run on, although their image is gone", async () => {
    const store = await openTestStore();
    const { image, diffIds } = await addImage(store, "localhost/a:1", [base, tar({ name: "top" })]);
    await store.ensureRootfs(diffIds, { privilege });
    const { image: next } = await addImage(store, "localhost/a:1", [tar({ name: "other" })]);
    expect(await store.images()).toEqual([next]);
    expect(next).not.toEqual(image);
    const inUse = emptyContent();
    addLayers(inUse, diffIds);
    await prune(store, { inUse });
    expect(await store.findRootfs(diffIds, privilege)).toBeDefined();
    expect(readdirSync(store.paths.layers)).toEqual(expect.arrayContaining(diffIds.map(hexOf)));
    await prune(store);
    expect(await store.findRootfs(diffIds, privilege)).toBeUndefined();
  });

  test("leaves what changed lately, and says so", async () => {
    const store = await openTestStore();
    const layer = await orphan(store, "young");
    const { removed, young } = await prune(store, { olderThan: hour });
    expect({ removed: removed.length, young: young.length }).toEqual({ removed: 0, young: 2 });
    age(store.paths.blob(layer.descriptor.digest));
    age(store.paths.layer(layer.diffId));
    expect((await prune(store, { olderThan: hour })).removed).toHaveLength(2);
  });

  test("deletes stale partial downloads, but none somebody is downloading", async () => {
    const store = await openTestStore();
    const directory = store.paths.ingest(some);
    const unpacking = path.join(store.paths.layers, `${"c".repeat(64)}.tmp-${hexOf(some)}`);
    mkdirSync(directory);
    mkdirSync(unpacking);
    writeFileSync(path.join(directory, "data"), "half a blob");
    const lock = await helper.lock(path.join(directory, "lock"));
    expect((await prune(store)).removed).toEqual([]);
    await lock.release();
    expect((await prune(store, { olderThan: hour })).young).toHaveLength(2);
    expect((await prune(store)).removed).toHaveLength(2);
    expect(existsSync(directory) || existsSync(unpacking)).toBe(false);
  });

  test("deletes half-built root file systems, but none somebody is building", async () => {
    const store = await openTestStore();
    const name = hexOf(some);
    mkdirSync(path.join(store.paths.rootfs, `.tmp-${name}`));
    const lock = await helper.lock(path.join(store.paths.rootfs, `.lock-${name}`));
    expect((await prune(store)).removed).toEqual([]);
    await lock.release();
    expect(listed(await prune(store))).toEqual([`temporary .tmp-${name.slice(0, 6)}`]);
  });

  test("never touches names it does not know", async () => {
    const store = await openTestStore();
    const strange = ["blobs/sha256/README", "layers/notes", "rootfs/x", "ingest/y", "mine.txt", "volumes"];
    mkdirSync(path.join(store.paths.root, "blobs/sha512"));
    for (const name of strange) {
      writeFileSync(path.join(store.paths.root, name), "x");
      age(path.join(store.paths.root, name));
    }
    expect((await prune(store, { compressed: true })).removed).toEqual([]);
    expect(strange.filter((name) => !existsSync(path.join(store.paths.root, name)))).toEqual([]);
  });

  test("refuses while a damaged image hides what it needs", async () => {
    const store = await openTestStore();
    const { image } = await addImage(store, "localhost/a:1", [base]);
    await atomicWrite(store.paths.blob(image.manifest.digest), Buffer.from("garbage"));
    await expect(prune(store)).rejects.toMatchObject({
      code: "CORRUPT",
      hint: expect.stringMatching(/verify --repair/) as string,
    });
    expect(readdirSync(store.paths.layers)).toHaveLength(1);
  });

  test("--compressed drops the blobs of unpacked layers, and the images go on working", async () => {
    const store = await openTestStore();
    const { image, diffIds } = await addImage(store, "localhost/a:1", [base]);
    const layer = layerOf(base);
    const { removed } = await prune(store, { compressed: true, olderThan: hour });
    expect(removed.map(({ kind, name }) => [kind, name])).toEqual([
      ["compressed", hexOf(layer.descriptor.digest)],
    ]);
    expect(existsSync(store.paths.blob(layer.descriptor.digest))).toBe(false);
    await store.ensureRootfs(diffIds, { privilege });
    await store.commit({ ...image, name: "localhost/b:2" });
    expect(await store.images()).toHaveLength(2);
    const log = { states: [], bytes: 0 };
    await ingest(store, layer, { log });
    expect(log.states).toEqual(["exists"]);
  });

  test("--compressed keeps the blobs an entry of another tool needs", async () => {
    const store = await openTestStore();
    const { image } = await addImage(store, "localhost/a:1", [base]);
    const index = JSON.parse(readFileSync(store.paths.index, "utf8")) as { manifests: unknown[] };
    const manifests = [...index.manifests, image.manifest];
    await atomicWrite(store.paths.index, Buffer.from(JSON.stringify({ ...index, manifests })));
    expect((await prune(store, { compressed: true })).removed).toEqual([]);
  });
});

test("chain IDs of layers in use include every lower one", () => {
  const content = emptyContent();
  const diffIds = [layerOf(base).diffId, layerOf(tar({ name: "x" })).diffId];
  addLayers(content, diffIds);
  expect([...content.chainIds]).toEqual(chainIds(diffIds));
});
