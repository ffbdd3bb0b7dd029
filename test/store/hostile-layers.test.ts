import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf } from "../../src/core/digest.js";
import { LayerError } from "../../src/core/errors.js";
import type { Privilege } from "../../src/helper/privilege.js";
import { runIngest } from "../../src/store/ingest-job.js";
import { createProgress } from "../../src/store/ingest-protocol.js";
import type { Store } from "../../src/store/store.js";
import { createBudget } from "../../src/store/unpack-budget.js";
import { needsErofs, runOverErofs } from "../support/erofs.js";
import { directoriesOf, erofsOf } from "../support/rootfs.js";
import {
  addImage,
  ingest,
  layerOf,
  needsHelper,
  openTestStore,
  sourceOf,
  temporaryDirectory,
} from "../support/store.js";
import { tar, tarEntry } from "../support/tar.js";
import { isRoot } from "../support/tools.js";

const root: Privilege = { kind: "root" };
const MiB = 1024 * 1024;

/** One member of zeros again and again: 10 GiB in 10 MiB, made in a moment. */
function bomb(): Buffer {
  const header = tarEntry({ name: "zeros", pax: { size: String(10 * 1024 * MiB) } });
  const member = gzipSync(Buffer.alloc(64 * MiB));
  return Buffer.concat([gzipSync(header), ...Array.from({ length: 160 }, () => member)]);
}

/** What an ingest with smaller limits than ours makes of a blob. */
async function limited(blob: Buffer, limits: { readonly tarBytes: number; readonly entries: number }) {
  const output = temporaryDirectory();
  const data = path.join(temporaryDirectory(), "data");
  writeFileSync(data, blob);
  const progress = createProgress();
  progress.written(blob.length);
  const { descriptor, diffId } = layerOf(Buffer.alloc(0), blob);
  const job = { data, size: blob.length, digest: digestOf(blob), diffId, output, limits };
  expect(descriptor.digest).toBe(job.digest);
  return { output, done: runIngest({ ...job, progress: progress.shared }) };
}

function leftovers(store: Store): string[] {
  return ["blobs/sha256", "layers", "ingest"].flatMap((name) =>
    readdirSync(path.join(store.paths.root, name)),
  );
}

test("L28: a gzip bomb is stopped at the limit of unpacked bytes", async () => {
  const { output, done } = await limited(bomb(), { tarBytes: 4 * MiB, entries: 10 });
  await expect(done).rejects.toMatchObject({
    code: "TOO_BIG",
    message: expect.stringMatching(/unpacks to more than 4194304 bytes/) as string,
  });
  expect(readFileSync(path.join(output, "tar")).length).toBeLessThanOrEqual(4 * MiB);
});

test("L29: a tar of more entries than the limit is stopped", async () => {
  const many = tar(...Array.from({ length: 1001 }, (_, i) => ({ name: `f${i}` })));
  const { done } = await limited(gzipSync(many), { tarBytes: 64 * MiB, entries: 1000 });
  await expect(done).rejects.toMatchObject({ code: "TOO_BIG" });
});

describe.skipIf(needsHelper !== "")(`${needsHelper}a layer`, () => {
  test("L28: of zeros, a thousand times smaller on the wire, is no bomb", async () => {
    const store = await openTestStore();
    const layer = layerOf(tar({ name: "zeros", data: Buffer.alloc(64 * MiB) }));
    expect((64 * MiB) / layer.blob.length).toBeGreaterThan(900);
    await ingest(store, layer);
    expect(readdirSync(store.paths.layers)).toHaveLength(1);
  });

  test("L28: that came spoiled and was fetched anew counts once against the image's limit", async () => {
    const store = await openTestStore();
    const archive = tar({ name: "f", data: "x".repeat(10_000) });
    const layer = layerOf(archive);
    const spoiled = layerOf(tar({ name: "f", data: "y".repeat(10_000) })).blob.subarray(0, layer.blob.length);
    const budgets = [createBudget(archive.length)];
    await ingest(store, layer, { budgets, source: sourceOf(layer.blob, [{ instead: spoiled }]) });
    // Nothing is left for another one, not even the empty tar.
    await expect(ingest(store, layerOf(tar()), { budgets })).rejects.toMatchObject({ code: "TOO_BIG" });
  });

  test("L29: that declares a file of 1 TiB and has none of it is refused, and nothing of it stays", async () => {
    const store = await openTestStore();
    const header = tarEntry({ name: "huge", pax: { size: String(2 ** 40) } });
    await expect(ingest(store, layerOf(header))).rejects.toBeInstanceOf(LayerError);
    expect(leftovers(store)).toEqual([]);
  });

  const noise = Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * i * 31 + (i >> 3) * 7 + 1) % 251));
  const junk: [string, Buffer][] = [
    ["noise", noise],
    ["text", Buffer.from("no tar, only words\n".repeat(500))],
    ["a zip file", Buffer.concat([Buffer.from("PK\u0003\u0004\u0014\0\0\0\b\0", "latin1"), noise])],
  ];
  const ways: [string, (bytes: Buffer) => Buffer][] = [
    ["plain", (bytes) => bytes],
    ["gzip", (bytes) => gzipSync(bytes)],
    ["zstd", (bytes) => zstdCompressSync(bytes)],
  ];
  test.each(junk.flatMap(([what, bytes]) => ways.map(([way, pack]) => [what, way, bytes, pack] as const)))(
    "L31: of %s instead of a tar, %s, is refused, and the store goes on",
    async (_what, _way, bytes, pack) => {
      const store = await openTestStore();
      await expect(ingest(store, layerOf(bytes, pack(bytes)))).rejects.toBeInstanceOf(LayerError);
      expect(leftovers(store)).toEqual([]);
      await ingest(store, layerOf(tar({ name: "good" })));
      expect(readdirSync(store.paths.layers)).toHaveLength(1);
    },
  );

  test("L23: 4096 directories deep is refused, and nothing of it stays", async () => {
    const store = await openTestStore();
    const deep = layerOf(tar({ name: `${"d/".repeat(4096)}f` }));
    await expect(ingest(store, deep)).rejects.toMatchObject({ name: "LayerError" });
    expect(leftovers(store)).toEqual([]);
  });
});

const names = ["ß", "ss", "é", "e\u0301", "Name", "name", "NAME"];
const deepest = "d/".repeat(999);
const layers = [tar(...names.map((name) => ({ name, data: name })), { name: `${deepest}f`, data: "deep" })];
const needsRoot = isRoot ? "" : "needs root: ";

describe("in a root file system", () => {
  test.skipIf(needsHelper + needsRoot !== "")(
    `${needsHelper}${needsRoot}L11, L23: directories keep names apart that only look alike, and are as deep as may be`,
    async () => {
      const store = await openTestStore(undefined, { rootfsDriver: "directories" });
      const { diffIds } = await addImage(store, "localhost/a:1", layers);
      const [lower = ""] = directoriesOf(await store.ensureRootfs(diffIds, { privilege: root }));
      expect(readdirSync(lower).sort()).toEqual([...names, "d"].sort());
      for (const name of names) expect(readFileSync(path.join(lower, name), "utf8")).toBe(name);
      expect(readFileSync(path.join(lower, deepest, "f"), "utf8")).toBe("deep");
    },
  );

  test.skipIf(needsErofs !== "")(
    `${needsErofs}L11, L23: erofs keeps names apart that only look alike, and is as deep as may be`,
    async () => {
      const store = await openTestStore(undefined, { rootfsDriver: "erofs" });
      const { diffIds } = await addImage(store, "localhost/a:1", layers);
      const lower = erofsOf(await store.ensureRootfs(diffIds, { privilege: root }));
      const script = 'ls -1; cat "$@"';
      const shown = await runOverErofs(lower, ["sh", "-c", script, "sh", ...names, `${deepest}f`]);
      const lines = shown.toString().split("\n");
      expect(lines.slice(0, -1).sort()).toEqual([...names, "d"].sort());
      expect(lines.at(-1)).toBe(`${names.join("")}deep`);
    },
  );
});
