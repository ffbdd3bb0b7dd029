import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { randomBytes } from "node:crypto";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { hexOf } from "../../src/core/digest.js";
import { AbortError, IntegrityError, LayerError, NetworkError } from "../../src/core/errors.js";
import { readEntryTable } from "../../src/store/entry-table.js";
import type { Store } from "../../src/store/store.js";
import {
  helper,
  ingest,
  layerOf,
  needsHelper,
  openTestStore,
  sourceOf,
  temporaryDirectory,
  workerUrl,
  type TestLayer,
} from "../support/store.js";
import { tar } from "../support/tar.js";

const small = tar({ name: "a", data: "hello" }, { name: "d/" }, { name: "b", flag: "1", link: "a" });
/** Does not compress, so that it takes many reads and goes to a worker thread. */
const large = tar({ name: "noise", data: randomBytes(3_500_000) }, { name: "after", data: "x" });

function present(store: Store, layer: TestLayer): boolean {
  return existsSync(store.paths.blob(layer.descriptor.digest)) && existsSync(store.paths.layer(layer.diffId));
}

/** Names below blobs, layers and ingest: what a failed ingest may have left. */
function leftovers(store: Store): string[] {
  return ["blobs/sha256", "layers", "ingest"].flatMap((name) =>
    readdirSync(path.join(store.paths.root, name)),
  );
}

function entryNames(store: Store, layer: TestLayer): string[] {
  const table = readFileSync(path.join(store.paths.layer(layer.diffId), "entries"));
  return [...readEntryTable("test", table)].map((entry) => entry.path.toString());
}

describe.skipIf(needsHelper !== "")(`${needsHelper}ingest`, () => {
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
  const half = small.length / 2;
  test.each<[string, Buffer]>([
    ["gzip", gzipSync(small)],
    [
      "L24: gzip of several members",
      Buffer.concat([gzipSync(small.subarray(0, half)), gzipSync(small.subarray(half))]),
    ],
    ["L24: gzip with NUL padding behind it", Buffer.concat([gzipSync(small), Buffer.alloc(1000)])],
    ["zstd", zstdCompressSync(small)],
    [
      "L24: zstd of several frames",
      Buffer.concat([
        zstdCompressSync(small.subarray(0, half)),
        skippable,
        zstdCompressSync(small.subarray(half)),
      ]),
    ],
    ["L24: zstd after a skippable frame", Buffer.concat([skippable, zstdCompressSync(small)])],
    ["no compression", small],
  ])("takes %s, whatever the media type says and the pieces are", async (_name, blob) => {
    for (const pieceBytes of [1, 13, blob.length]) {
      const store = await openTestStore();
      const layer = layerOf(small, blob);
      await ingest(store, layer, { source: sourceOf(blob, [], pieceBytes) });
      expect(readFileSync(store.paths.blob(layer.descriptor.digest))).toEqual(blob);
      expect(readFileSync(path.join(store.paths.layer(layer.diffId), "tar"))).toEqual(small);
      expect(entryNames(store, layer)).toEqual(["a", "d/", "b"]);
      expect(readdirSync(path.join(store.paths.root, "ingest"))).toEqual([]);
    }
  });

  test("L23: takes a layer of no bytes at all", async () => {
    const store = await openTestStore();
    const layer = layerOf(Buffer.alloc(0), gzipSync(Buffer.alloc(0)));
    await ingest(store, layer);
    expect(entryNames(store, layer)).toEqual([]);
  });

  test("takes a large layer on a worker thread, and makes the blob read-only", async () => {
    const store = await openTestStore();
    const layer = layerOf(large);
    const log = { states: [], bytes: 0 };
    await ingest(store, layer, { log });
    expect(readFileSync(path.join(store.paths.layer(layer.diffId), "tar")).equals(large)).toBe(true);
    expect(statSync(store.paths.blob(layer.descriptor.digest)).mode & 0o777).toBe(0o444);
    expect(log).toEqual({
      states: ["downloading", "verifying", "storing", "done"],
      bytes: layer.blob.length,
    });
  });

  test("does nothing for a layer that is there", async () => {
    const store = await openTestStore();
    const layer = layerOf(small);
    await ingest(store, layer);
    const source = sourceOf(layer.blob);
    const log = { states: [], bytes: 0 };
    await ingest(store, layer, { source, log });
    expect(source.reads).toEqual([]);
    expect(log).toEqual({ states: ["exists"], bytes: 0 });
  });

  test("makes a lost layer again from its blob, without the network", async () => {
    const store = await openTestStore();
    const layer = layerOf(large);
    await ingest(store, layer);
    rmSync(store.paths.layer(layer.diffId), { recursive: true });
    const source = sourceOf(layer.blob);
    await ingest(store, layer, { source });
    expect(source.reads).toEqual([]);
    expect(present(store, layer)).toBe(true);
  });

  test("fetches a blob again that was damaged on disk", async () => {
    const store = await openTestStore();
    const layer = layerOf(small);
    await ingest(store, layer);
    rmSync(store.paths.layer(layer.diffId), { recursive: true });
    rmSync(store.paths.blob(layer.descriptor.digest));
    writeFileSync(store.paths.blob(layer.descriptor.digest), Buffer.alloc(layer.blob.length, 7));
    await ingest(store, layer);
    expect(readFileSync(store.paths.blob(layer.descriptor.digest))).toEqual(layer.blob);
  });

  test("keeps two blobs of one content, with one layer", async () => {
    const store = await openTestStore();
    const [first, second] = [layerOf(small, gzipSync(small)), layerOf(small, zstdCompressSync(small))];
    await Promise.all([ingest(store, first), ingest(store, second)]);
    expect(present(store, first) && present(store, second)).toBe(true);
    expect(readdirSync(store.paths.layers)).toEqual([hexOf(first.diffId)]);
  });

  test("fetches a layer once for eight pulls of it at the same time", async () => {
    const store = await openTestStore();
    const layer = layerOf(large);
    const source = sourceOf(layer.blob);
    await Promise.all(Array.from({ length: 8 }, () => ingest(store, layer, { source })));
    expect(source.reads).toEqual([0]);
    expect(leftovers(store)).toEqual([hexOf(layer.descriptor.digest), hexOf(layer.diffId)]);
  });

  describe("refuses, leaving nothing behind,", () => {
    const good = gzipSync(small);
    const flipped = Buffer.from(good);
    flipped[20]! ^= 1;
    const badCrc = Buffer.from(good);
    badCrc[good.length - 5]! ^= 1;
    // RFC 8878, 3.1.1.1: a descriptor that announces one byte of dictionary id.
    const ofDictionary = Buffer.from([
      0x28,
      0xb5,
      0x2f,
      0xfd,
      0x21,
      7,
      5,
      0x29,
      0,
      0,
      ...Buffer.from("hello"),
    ]);
    const otherDiffId = layerOf(tar({ name: "other" })).diffId;
    const wrong = (instead: Buffer) => ({ layer: layerOf(small), faults: [{ instead }, { instead }] });
    const stop = { stopAt: 50 };
    test.each<[string, { layer: TestLayer; faults?: { instead?: Buffer; stopAt?: number }[] }, string]>([
      ["wrong bytes of the right length", wrong(flipped), "DIGEST_MISMATCH"],
      ["too many bytes", wrong(Buffer.concat([good, Buffer.from("x")])), "SIZE_MISMATCH"],
      ["a truncated blob", { layer: layerOf(small), faults: [stop, stop] }, "SIZE_MISMATCH"],
      ["an HTML page instead of the blob", wrong(Buffer.alloc(good.length, "<html>")), "DIGEST_MISMATCH"],
      [
        "another content than the config's diffID",
        { layer: { ...layerOf(small), diffId: otherDiffId } },
        "DIFF_ID_MISMATCH",
      ],
      ["L24: gzip cut short", { layer: layerOf(small, good.subarray(0, -3)) }, "BAD_COMPRESSION"],
      ["L24: gzip with a wrong checksum", { layer: layerOf(small, badCrc) }, "BAD_COMPRESSION"],
      [
        "L24: gzip with junk behind it",
        { layer: layerOf(small, Buffer.concat([good, Buffer.from("junk")])) },
        "BAD_COMPRESSION",
      ],
      [
        "L24: zstd cut short",
        { layer: layerOf(small, zstdCompressSync(small).subarray(0, -3)) },
        "BAD_COMPRESSION",
      ],
      [
        "L24: zstd with junk behind it",
        { layer: layerOf(small, Buffer.concat([zstdCompressSync(small), Buffer.from("junk junk")])) },
        "BAD_COMPRESSION",
      ],
      [
        "L24: a zstd frame that asks for 2 GiB of window",
        { layer: layerOf(small, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 1, 0, 0])) },
        "BAD_COMPRESSION",
      ],
      [
        "L24: a zstd frame that wants a dictionary",
        { layer: layerOf(small, ofDictionary) },
        "BAD_COMPRESSION",
      ],
      ["L24: bzip2", { layer: layerOf(small, Buffer.from("BZh91AY&SY")) }, "BAD_COMPRESSION"],
      [
        "L24: xz",
        { layer: layerOf(small, Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0])) },
        "BAD_COMPRESSION",
      ],
      ["text", { layer: layerOf(Buffer.alloc(5000, "no tar "), Buffer.alloc(5000, "no tar ")) }, "BAD_TAR"],
      ["text, compressed", { layer: layerOf(Buffer.alloc(5000, "no tar ")) }, "BAD_TAR"],
      [
        "an entry that leads out of the root",
        { layer: layerOf(tar({ name: "../../etc/cron.d/x" })) },
        "PATH_ESCAPE",
      ],
      [
        "a hard link that leads out of the root",
        { layer: layerOf(tar({ name: "x", flag: "1", link: "../../etc/shadow" })) },
        "PATH_ESCAPE",
      ],
    ])("%s", async (_name, { layer, faults }, code) => {
      const store = await openTestStore();
      const failure = await ingest(store, layer, { source: sourceOf(layer.blob, faults) }).catch(
        (error: unknown) => error,
      );
      expect(failure).toMatchObject({ code });
      expect(failure instanceof IntegrityError || failure instanceof LayerError).toBe(true);
      expect(leftovers(store)).toEqual([]);
    });

    test("the same on a worker thread, with the error's class", async () => {
      const store = await openTestStore();
      const layer = layerOf(Buffer.concat([large.subarray(0, 300_000), randomBytes(300_000)]));
      await expect(ingest(store, layer)).rejects.toBeInstanceOf(LayerError);
      expect(leftovers(store)).toEqual([]);
    });
  });

  test("gives wrong bytes one more chance", async () => {
    const store = await openTestStore();
    const layer = layerOf(large);
    const source = sourceOf(layer.blob, [{ instead: randomBytes(layer.blob.length) }]);
    const log = { states: [], bytes: 0 };
    await ingest(store, layer, { source, log });
    expect(source.reads).toEqual([0, 0]);
    expect(log.bytes).toBe(layer.blob.length);
  });

  test("resumes where a broken connection left off", async () => {
    const store = await openTestStore();
    const layer = layerOf(large);
    const source = sourceOf(layer.blob, [{ stopAt: 200_000, reset: true }]);
    await expect(ingest(store, layer, { source })).rejects.toBeInstanceOf(NetworkError);
    const log = { states: [], bytes: 0 };
    await ingest(store, layer, { source, log });
    expect(source.reads).toEqual([0, 200_000]);
    expect(log.bytes).toBe(layer.blob.length);
    expect(present(store, layer)).toBe(true);
  });

  test("starts anew when the bytes to resume from turn out to be wrong", async () => {
    const store = await openTestStore();
    const layer = layerOf(small);
    const directory = store.paths.ingest(layer.descriptor.digest);
    mkdirSync(directory);
    writeFileSync(path.join(directory, "data"), Buffer.alloc(20, 1));
    const source = sourceOf(layer.blob);
    await ingest(store, layer, { source });
    expect(source.reads).toEqual([20, 0]);
  });

  test("throws away more bytes than the blob has", async () => {
    const store = await openTestStore();
    const layer = layerOf(small);
    const directory = store.paths.ingest(layer.descriptor.digest);
    mkdirSync(directory);
    writeFileSync(path.join(directory, "data"), Buffer.alloc(layer.blob.length + 1));
    const source = sourceOf(layer.blob);
    await ingest(store, layer, { source });
    expect(source.reads).toEqual([0]);
  });

  test("an abort ends it, keeps what has arrived, and shows no layer", async () => {
    const store = await openTestStore();
    const layer = layerOf(large);
    const abort = new AbortController();
    const source = sourceOf(layer.blob, [{ stopAt: 100_000, before: () => abort.abort() }]);
    await expect(ingest(store, layer, { source, signal: abort.signal })).rejects.toBeInstanceOf(AbortError);
    expect(readdirSync(store.paths.layers)).toEqual([]);
    await ingest(store, layer, { source });
    expect(source.reads).toEqual([0, 100_000]);
  });

  test("an abort while another process holds the layer's lock ends it", async () => {
    const store = await openTestStore();
    const layer = layerOf(small);
    const directory = store.paths.ingest(layer.descriptor.digest);
    mkdirSync(directory);
    const lock = await helper.lock(path.join(directory, "lock"));
    const abort = new AbortController();
    const waiting = ingest(store, layer, {
      signal: abort.signal,
      onState: () => setImmediate(() => abort.abort()),
    });
    await expect(waiting).rejects.toMatchObject({ code: "INTERRUPTED" });
    await lock.release();
    await ingest(store, layer);
  });

  test("a SIGKILL in the middle leaves a store in which the next try resumes and succeeds", async () => {
    const store = await openTestStore();
    const layer = layerOf(large);
    const script = path.join(temporaryDirectory(), "ingest.mjs");
    await build({
      stdin: { contents: killable(store.paths.root, layer), resolveDir: import.meta.dirname, loader: "ts" },
      outfile: script,
      bundle: true,
      platform: "node",
      format: "esm",
      packages: "bundle",
    });
    const blobFile = path.join(temporaryDirectory(), "blob");
    writeFileSync(blobFile, layer.blob);
    const child = spawn(process.execPath, [script, blobFile], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(readdirSync(store.paths.blobs)).toEqual([]);
    expect(readdirSync(store.paths.layers).filter((name) => name === hexOf(layer.diffId))).toEqual([]);

    const source = sourceOf(layer.blob);
    await ingest(store, layer, { source });
    expect(source.reads).toEqual([300_000]);
    expect(leftovers(store)).toEqual([hexOf(layer.descriptor.digest), hexOf(layer.diffId)]);
  });
});

/** A program that ingests 300,000 bytes of a layer, says so, and waits to be killed. */
function killable(root: string, layer: TestLayer): string {
  return `
    import { readFileSync, statSync } from "node:fs";
    import { openHelper } from "../../src/helper/process.js";
    import { openStore } from "../../src/store/store.js";
    const blob = readFileSync(process.argv[2]);
    const store = await openStore(${JSON.stringify(root)}, {
      helper: openHelper(${JSON.stringify(helper.path)}), create: false, worker: new URL(${JSON.stringify(workerUrl().href)}),
    });
    const session = await store.openPool(1);
    async function* part() {
      yield blob.subarray(0, 300_000);
      const file = store.paths.ingest(${JSON.stringify(layer.descriptor.digest)}) + "/data";
      while (statSync(file).size < 300_000) await new Promise((resolve) => setTimeout(resolve, 5));
      console.log("written");
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    }
    await session.ingest({
      descriptor: ${JSON.stringify(layer.descriptor)}, diffId: ${JSON.stringify(layer.diffId)},
      source: { read: async () => part() }, signal: new AbortController().signal, onBytes() {}, onState() {},
    });
  `;
}
