import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { hexOf, parseDigest } from "../../src/core/digest.js";
import { StoreError, UsageError } from "../../src/core/errors.js";
import { parseReference } from "../../src/core/reference.js";
import { addLayers, emptyContent } from "../../src/store/image-content.js";
import { imageName } from "../../src/store/refs.js";
import type { Store } from "../../src/store/store.js";
import { addImage, helper, needsHelper, openTestStore, temporaryDirectory } from "../support/store.js";
import { tar } from "../support/tar.js";

const privilege = { kind: "root" } as const;
const base = tar({ name: "base", data: "base" });
const layer = (name: string): Buffer => tar({ name });

function index(store: Store): { manifests: Record<string, unknown>[] } & Record<string, unknown> {
  return JSON.parse(readFileSync(store.paths.index, "utf8")) as ReturnType<typeof index>;
}

describe("image names", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  test.each([
    ["busybox", "docker.io/library/busybox:latest"],
    ["localhost:5000/a/b:1", "localhost:5000/a/b:1"],
    [`busybox@${digest}`, `docker.io/library/busybox@${digest}`],
    [`busybox:1.36@${digest}`, `docker.io/library/busybox@${digest}`],
  ])("%s is kept as %s", (input, name) => {
    expect(imageName(parseReference(input))).toBe(name);
  });
});

describe.skipIf(needsHelper !== "")(`${needsHelper}images in index.json`, () => {
  test("are found by name, by digest and by ID", async () => {
    const store = await openTestStore();
    const { image, config } = await addImage(store, "docker.io/library/a:latest", [base]);
    await addImage(store, "docker.io/library/b:1", [base, layer("b")]);
    const { digest } = image.manifest;
    expect(await store.images()).toHaveLength(2);
    expect(await store.find(parseReference("a"))).toEqual(image);
    expect(await store.find(parseReference(`a@${digest}`))).toEqual(image);
    expect(await store.find(parseReference(`b@${digest}`))).toBeUndefined();
    expect(await store.find(parseReference("a:other"))).toBeUndefined();
    for (const id of [config, hexOf(config), hexOf(config).slice(0, 12)])
      expect(await store.findById(id)).toEqual([image]);
    for (const id of ["zzzz", "", hexOf(digest).slice(0, 12)]) expect(await store.findById(id)).toEqual([]);
  });

  test("an ID that several images begin with is refused, naming them", async () => {
    const store = await openTestStore();
    // 17 images have two IDs with the same first digit.
    const ids = new Map<string, number>();
    for (let i = 0; i < 17; i++) {
      const { config } = await addImage(store, `localhost/x:${i}`, [base]);
      ids.set(hexOf(config)[0]!, (ids.get(hexOf(config)[0]!) ?? 0) + 1);
    }
    const [digit] = [...ids].find(([, count]) => count > 1)!;
    await expect(store.findById(digit)).rejects.toBeInstanceOf(UsageError);
  });

  test("a second pull of a name replaces the first", async () => {
    const store = await openTestStore();
    await addImage(store, "localhost/a:1", [base]);
    const { image } = await addImage(store, "localhost/a:1", [base, layer("new")]);
    expect(await store.images()).toEqual([image]);
  });

  test("entries and fields of other tools survive, and are no images of ours", async () => {
    const store = await openTestStore();
    const foreign = {
      mediaType: "application/x",
      digest: "sha512:abc",
      size: 1,
      annotations: { "org.opencontainers.image.ref.name": "localhost/a:1" },
      extra: [1],
    };
    writeFileSync(
      store.paths.index,
      JSON.stringify({ ...index(store), manifests: [foreign], annotations: { k: "v" } }),
    );
    const { image } = await addImage(store, "localhost/a:1", [base]);
    expect(await store.images()).toEqual([image]);
    await store.remove(image, { privilege });
    expect(index(store)).toMatchObject({ manifests: [foreign], annotations: { k: "v" } });
  });

  test("an image with a layer missing is not committed", async () => {
    const store = await openTestStore();
    const { image, diffIds } = await addImage(store, "localhost/a:1", [base]);
    rmSync(store.paths.layer(diffIds[0]!), { recursive: true });
    await expect(store.commit({ ...image, name: "localhost/a:2" })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    expect(await store.images()).toEqual([image]);
  });

  test("an index.json that is none is reported, not replaced", async () => {
    const store = await openTestStore();
    for (const text of ["", "{", "null", "[]", '{"manifests":null}', "[".repeat(100_000)]) {
      writeFileSync(store.paths.index, text);
      await expect(store.images()).rejects.toMatchObject({ code: "CORRUPT" });
    }
  });

  test("commits of several processes at once lose nothing", async () => {
    const store = await openTestStore();
    const { image } = await addImage(store, "localhost/first:1", [base]);
    const script = path.join(temporaryDirectory(), "commit.mjs");
    const contents = `
      import { openHelper } from "../../src/helper/process.js";
      import { openStore } from "../../src/store/store.js";
      const store = await openStore(process.argv[2], { helper: openHelper(process.argv[3]), create: true });
      const image = JSON.parse(process.argv[4]);
      for (let i = 0; i < 5; i++) await store.commit({ ...image, name: \`localhost/p:\${process.argv[5]}-\${i}\` });
    `;
    await build({
      stdin: { contents, resolveDir: import.meta.dirname, loader: "ts" },
      outfile: script,
      bundle: true,
      platform: "node",
      format: "esm",
      packages: "bundle",
    });
    const children = Array.from({ length: 4 }, (_, i) =>
      spawn(process.execPath, [script, store.paths.root, helper.path, JSON.stringify(image), String(i)], {
        stdio: "inherit",
      }),
    );
    const codes = await Promise.all(children.map(async (child) => (await once(child, "exit"))[0] as number));
    expect(codes).toEqual([0, 0, 0, 0]);
    expect(await store.images()).toHaveLength(21);
    expect(readdirSync(store.paths.root).filter((name) => name.startsWith(".tmp-"))).toEqual([]);
  });
});

describe.skipIf(needsHelper !== "")(`${needsHelper}removing an image`, () => {
  test("frees what only it needed, and nothing another image needs", async () => {
    const store = await openTestStore();
    const a = await addImage(store, "localhost/a:1", [base, layer("a")]);
    const b = await addImage(store, "localhost/b:1", [base, layer("b")]);
    const removed = await store.remove(a.image, { privilege });
    expect(removed.bytes).toBeGreaterThan(0);
    expect([...removed.blobs].sort()).not.toContain(b.image.manifest.digest);
    expect(removed.blobs).toHaveLength(3);
    expect(await store.images()).toEqual([b.image]);
    expect(readdirSync(store.paths.layers).sort()).toEqual(b.diffIds.map(hexOf).sort());
    await store.remove(b.image, { privilege });
    expect(readdirSync(store.paths.blobs)).toEqual([]);
    expect(readdirSync(store.paths.layers)).toEqual([]);
  });

  test("S8: keeps everything while another name leads to it", async () => {
    const store = await openTestStore();
    const { image } = await addImage(store, "localhost/a:1", [base]);
    await store.commit({ ...image, name: "localhost/a:2" });
    expect(await store.remove(image, { privilege })).toEqual({ blobs: [], bytes: 0 });
    expect((await store.images()).map(({ name }) => name)).toEqual(["localhost/a:2"]);
    expect(await store.has(image.manifest)).toBe(true);
  });

  test("keeps what an entry of another tool needs", async () => {
    const store = await openTestStore();
    const { image } = await addImage(store, "localhost/a:1", [base]);
    const document = index(store);
    writeFileSync(
      store.paths.index,
      JSON.stringify({ ...document, manifests: [...document.manifests, image.manifest] }),
    );
    expect((await store.remove(image, { privilege })).blobs).toEqual([]);
  });

  test("removes the index it was pulled through", async () => {
    const store = await openTestStore();
    const { image } = await addImage(store, "localhost/a:1", [base]);
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [image.manifest] }));
    const { digestOf } = await import("../../src/core/digest.js");
    await store.put(digestOf(bytes), bytes);
    const tagged = { ...image, resolved: digestOf(bytes) };
    await store.commit(tagged);
    expect((await store.remove(tagged, { privilege })).blobs).toContain(digestOf(bytes));
  });

  test("leaves downloads in progress and unknown files alone", async () => {
    const store = await openTestStore();
    const { image } = await addImage(store, "localhost/a:1", [base]);
    const strange = path.join(store.paths.blobs, "not-ours");
    const download = store.paths.ingest(parseDigest(`sha256:${"b".repeat(64)}`));
    writeFileSync(strange, "x");
    writeFileSync(download, "x");
    await store.remove(image, { privilege });
    expect(existsSync(strange) && existsSync(download)).toBe(true);
  });

  test("is refused for a root file system in use, and for a name that is gone", async () => {
    const store = await openTestStore();
    const { image, diffIds } = await addImage(store, "localhost/a:1", [base]);
    const inUse = emptyContent();
    addLayers(inUse, diffIds);
    await expect(store.remove(image, { privilege, inUse })).rejects.toMatchObject({
      code: "LOCKED",
    });
    await store.remove(image, { privilege });
    await expect(store.remove(image, { privilege })).rejects.toBeInstanceOf(StoreError);
  });
});
