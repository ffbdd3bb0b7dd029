import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { parseDigest } from "../../src/core/digest.js";
import { limits } from "../../src/core/limits.js";
import { layoutContent } from "../../src/store/content.js";
import { openLayout } from "../../src/store/layout.js";
import { openLayoutSource } from "../../src/store/oci-layout.js";
import { addImage, needsHelper, openTestStore, temporaryDirectory } from "../support/store.js";
import { sharedLayout } from "../support/layouts.js";
import { tar } from "../support/tar.js";
import { missing, mustRun } from "../support/tools.js";

const { signal } = new AbortController();

describe("a new store", () => {
  test("S12: is private, and a valid empty OCI layout", async () => {
    const root = path.join(temporaryDirectory(), "deep/er/store");
    await openLayout(root, { create: true });
    expect(statSync(root).mode & 0o777).toBe(0o700);
    expect(JSON.parse(readFileSync(path.join(root, "oci-layout"), "utf8"))).toEqual({
      imageLayoutVersion: "1.0.0",
    });
    expect(JSON.parse(readFileSync(path.join(root, "index.json"), "utf8"))).toMatchObject({
      schemaVersion: 2,
      manifests: [],
    });
  });

  test("S12: in a directory everybody may enter, lets nobody else reach the files of images and containers (CVE-2021-41091)", async () => {
    const root = temporaryDirectory();
    chmodSync(root, 0o755);
    await openLayout(root, { create: true });
    const modes = ["layers", "rootfs", "containers", "ingest"].map(
      (name) => statSync(path.join(root, name)).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o700, 0o700, 0o700]);
  });

  test("below a directory that takes none is an error, not a wait without end", async () => {
    await expect(openLayout("/proc/none/store", { create: true })).rejects.toMatchObject({
      code: "STORE_IO",
      message: expect.stringContaining("store: /proc/none/store: no such file or directory") as string,
    });
  });

  test("is made once by many at the same time", async () => {
    const root = path.join(temporaryDirectory(), "store");
    await Promise.all(Array.from({ length: 10 }, () => openLayout(root, { create: true })));
    expect(readdirSync(root).sort()).toEqual([
      "blobs",
      "containers",
      "index.json",
      "ingest",
      "layers",
      "oci-layout",
      "rootfs",
      "version",
    ]);
  });

  test("takes over an OCI layout of another tool as it is", async () => {
    const root = temporaryDirectory();
    const index = '{"schemaVersion":2,"manifests":[],"note":1}';
    writeFileSync(path.join(root, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    writeFileSync(path.join(root, "index.json"), index);
    writeFileSync(path.join(root, "README"), "hello");
    await openLayout(root, { create: true });
    expect(readFileSync(path.join(root, "index.json"), "utf8")).toBe(index);
  });

  test("is not made without leave", async () => {
    const root = path.join(temporaryDirectory(), "none");
    await expect(openLayout(root, { create: false })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("is not made in a directory of something else", async () => {
    const root = temporaryDirectory();
    writeFileSync(path.join(root, "thesis.tex"), "x");
    await expect(openLayout(root, { create: true })).rejects.toMatchObject({ code: "CORRUPT" });
    expect(readdirSync(root)).toEqual(["thesis.tex"]);
  });

  test("that has blobs and no index.json gets no empty one: prune would take the images for unused", async () => {
    const root = temporaryDirectory();
    const { blobs, index } = await openLayout(root, { create: true });
    writeFileSync(path.join(blobs, "0".repeat(64)), "");
    rmSync(index);
    await openLayout(root, { create: true });
    expect(existsSync(index)).toBe(false);
  });

  test("is finished after a kill while it was made", async () => {
    const root = temporaryDirectory();
    mkdirSync(path.join(root, "blobs"));
    writeFileSync(path.join(root, ".tmp-0123"), "");
    await openLayout(root, { create: true });
    expect(readdirSync(root)).toContain("index.json");
  });

  test.each([
    ["2\n", "SCHEMA_NEWER"],
    ["0\n", "CORRUPT"],
    ["", "CORRUPT"],
    ["one", "CORRUPT"],
  ])("of version %j is refused", async (text, code) => {
    const root = temporaryDirectory();
    await openLayout(root, { create: true });
    writeFileSync(path.join(root, "version"), text);
    await expect(openLayout(root, { create: true })).rejects.toMatchObject({ code });
  });

  test("of a version with a stray byte behind it is refused, and the message shows the byte", async () => {
    const root = temporaryDirectory();
    await openLayout(root, { create: true });
    writeFileSync(path.join(root, "version"), "1\u000b");
    const message = `store: ${root}: version is 1? (expected 1)`;
    await expect(openLayout(root, { create: true })).rejects.toMatchObject({ code: "CORRUPT", message });
  });
});

describe.skipIf(needsHelper !== "")(`${needsHelper}a layout as the source of an image`, () => {
  async function layout(...names: string[]) {
    const store = await openTestStore();
    for (const name of names) await addImage(store, name, [tar({ name })]);
    return store;
  }

  test.each<[string, (file: string) => unknown]>([
    ["a pipe, which nobody writes to", (file) => mustRun("mkfifo", [file])],
    ["a device, which has no end", (file) => symlinkSync("/dev/zero", file)],
    ["a directory", mkdirSync],
  ])("is not read from an index that is %s", async (_what, make) => {
    const root = temporaryDirectory();
    await make(path.join(root, "index.json"));
    await expect(openLayoutSource(root, undefined).resolve(signal)).rejects.toMatchObject({
      message: `layout: ${root}: index.json: not a regular file`,
    });
  });

  test("needs no tag for its only image", async () => {
    const store = await layout("localhost/a:1");
    const source = openLayoutSource(store.paths.root, undefined);
    const descriptor = await source.resolve(signal);
    const manifest = await source.document(descriptor, signal);
    const { layers, config } = JSON.parse(Buffer.from(manifest).toString()) as Record<string, never> & {
      layers: (typeof descriptor)[];
      config: typeof descriptor;
    };
    expect((await source.smallBlob(config, limits.configBytes, signal)).length).toBe(config.size);
    const rest = [];
    for await (const piece of await source.read(layers[0]!, { offset: 10, signal })) rest.push(piece);
    expect(Buffer.concat(rest)).toEqual(readFileSync(store.paths.blob(layers[0]!.digest)).subarray(10));
  });

  test.each([
    ["localhost/a:1", "localhost/a:1"],
    ["2", "localhost/b:2"],
  ])("finds %s by its whole name or the end of it", async (tag, name) => {
    const store = await layout("localhost/a:1", "localhost/b:2");
    const wanted = (await store.images()).find((image) => image.name === name)!;
    expect((await openLayoutSource(store.paths.root, tag).resolve(signal)).digest).toBe(
      wanted.manifest.digest,
    );
  });

  test.each([undefined, "3", ""])("lists the tags for %j, which does not choose one", async (tag) => {
    const store = await layout("localhost/a:1", "localhost/b:2");
    const failure = await openLayoutSource(store.paths.root, tag)
      .resolve(signal)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "BAD_REFERENCE",
      hint: expect.stringContaining("localhost/a:1, localhost/b:2") as string,
    });
  });

  test("reports a blob that is not there, and one that is not what its name says", async () => {
    const store = await layout("localhost/a:1");
    const source = openLayoutSource(store.paths.root, undefined);
    const descriptor = await source.resolve(signal);
    const absent = { ...descriptor, digest: parseDigest(`sha256:${"0".repeat(64)}`) };
    await expect(source.document(absent, signal)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(source.document({ ...descriptor, size: 3 }, signal)).rejects.toMatchObject({
      code: "SIZE_MISMATCH",
    });
    writeFileSync(store.paths.blob(absent.digest), "x".repeat(descriptor.size));
    await expect(source.document(absent, signal)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  });

  test("says so where there is no layout", async () => {
    const source = openLayoutSource(temporaryDirectory(), undefined);
    await expect(source.resolve(signal)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("does not wait for a FIFO in place of a blob", async () => {
    const store = await layout("localhost/a:1");
    const digest = parseDigest(`sha256:${"1".repeat(64)}`);
    await mustRun("mkfifo", [store.paths.blob(digest)]);
    const source = openLayoutSource(store.paths.root, undefined);
    const descriptor = { mediaType: "x", digest, size: 1 };
    await expect(source.document(descriptor, signal)).rejects.toMatchObject({ code: "CORRUPT" });
  });
});

describe.skipIf(needsHelper !== "")(`${needsHelper}a store as content to serve`, () => {
  test("names repositories without their host, and serves manifests, blobs and tags", async () => {
    const store = await openTestStore();
    const { image, config } = await addImage(store, "docker.io/library/a:1", [tar({ name: "a" })]);
    await store.commit({ ...image, name: "localhost:5000/library/a:2" });
    const content = store.content();
    expect(await content.tags("library/a")).toEqual(["1", "2"]);
    expect(await content.tags("a")).toEqual([]);
    expect(await content.resolve("library/a", "1")).toEqual(image.manifest);
    expect(await content.resolve("library/a", image.manifest.digest)).toEqual(image.manifest);
    expect(await content.resolve("library/a", "3")).toBeUndefined();
    expect(await content.resolve("library/a", config)).toBeUndefined();
    const open = (await content.open(image.manifest.digest, { start: 2, end: 5 }))!;
    expect(open.size).toBe(image.manifest.size);
    const pieces = [];
    for await (const piece of open.body) pieces.push(piece);
    expect(Buffer.concat(pieces)).toEqual(
      readFileSync(store.paths.blob(image.manifest.digest)).subarray(2, 5),
    );
    expect(await content.open(parseDigest(`sha256:${"0".repeat(64)}`))).toBeUndefined();
  });
});

const helloWorld = sharedLayout("hello-world");
test.skipIf(helloWorld === undefined)(
  "needs ../shared: the genuine hello-world index, served under a name for its bare tag",
  async () => {
    const content = layoutContent(helloWorld!, { repository: "library/hello-world" });
    const descriptor = await content.resolve("library/hello-world", "latest");
    expect(descriptor).toMatchObject({
      digest: expect.stringContaining("424f1f86cdf5") as string,
      size: 12_662,
    });
    expect(await content.tags("library/hello-world")).toEqual(["latest"]);
  },
);

test.skipIf(needsHelper !== "" || missing("skopeo", "umoci") !== "")(
  `${needsHelper}${missing("skopeo", "umoci")}skopeo and umoci read our store`,
  async () => {
    const store = await openTestStore();
    const { image } = await addImage(store, "docker.io/library/a:latest", [tar({ name: "a" })]);
    const inspected = await mustRun("skopeo", ["inspect", `oci:${store.paths.root}:${image.name}`]);
    expect(JSON.parse(inspected)).toMatchObject({ Digest: image.manifest.digest });
    expect((await mustRun("umoci", ["ls", "--layout", store.paths.root])).trim()).toBe(image.name);
  },
);
