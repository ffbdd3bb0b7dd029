import { readdirSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { pull, pullAll } from "../../src/api/pull.js";
import { removeImage } from "../../src/api/rmi.js";
import { NetworkError } from "../../src/core/errors.js";
import type { Digest } from "../../src/core/digest.js";
import type { Descriptor } from "../../src/core/descriptor.js";
import { ociIndex, ociManifest } from "../../src/core/media-types.js";
import { hostPlatform, parsePlatform } from "../../src/core/platform.js";
import { parseReference } from "../../src/core/reference.js";
import { testContext, type TestContext } from "../support/context.js";
import {
  addChart,
  addImage,
  memoryContent,
  putJson,
  startTestRegistry,
  type TestRegistry,
} from "../support/registry.js";
import { needsHelper } from "../support/store.js";
import { tar } from "../support/tar.js";

const content = memoryContent();
let registry: TestRegistry;
beforeAll(async () => {
  registry = await startTestRegistry({ content });
});
afterAll(() => registry.close());
beforeEach(() => registry.script([]));

const base = tar({ name: "base", data: "for all platforms\n" });
const platforms = ["linux/amd64", "linux/arm64", "linux/arm/v7"] as const;

/** `REPOSITORY:latest`: an index of three platforms that share a layer, an attestation, and what else is given. */
function addMultiPlatform(repository: string, ...others: readonly Descriptor[]) {
  const entries = platforms.map((text) => {
    const platform = parsePlatform(text);
    const layers = [base, tar({ name: "own", data: text })];
    const { manifest } = addImage(content, { repository, tag: text.replaceAll("/", "-"), layers, platform });
    return { ...manifest, platform };
  });
  const unknown = { os: "unknown", architecture: "unknown" };
  const attestation = { ...putJson(content, { some: "statement" }, ociManifest), platform: unknown };
  const index = putJson(
    content,
    { schemaVersion: 2, manifests: [attestation, ...others, ...entries] },
    ociIndex,
  );
  content.tag(repository, "latest", index);
  const digests = Object.fromEntries(entries.map(({ digest }, i) => [platforms[i], digest]));
  return { name: `${registry.host}/${repository}`, index, digests: digests as Record<string, Digest> };
}

async function storedNames(context: TestContext): Promise<string[]> {
  const store = await context.store({ create: false });
  return (await store.images()).map(({ name }) => name).sort();
}

describe.skipIf(needsHelper !== "")(`${needsHelper}--all-platforms`, () => {
  test("stores every image of an index: one under the name, the others by digest, shared layers once", async () => {
    const { name, index, digests } = addMultiPlatform("all/one");
    const context = testContext();
    const platform = parsePlatform("linux/arm64");
    const pulled = await pull(context, { image: name, platform, allPlatforms: true });
    expect(pulled).toMatchObject({ resolved: index.digest, repository: name });
    expect(pulled.stored).toMatchObject({ name: `${name}:latest`, resolved: index.digest });
    expect(pulled.stored.manifest.digest).toBe(digests["linux/arm64"]);
    expect(await storedNames(context)).toEqual(
      [`${name}:latest`, `${name}@${digests["linux/amd64"]}`, `${name}@${digests["linux/arm/v7"]}`].sort(),
    );
    const blobs = registry.lines().filter((line) => line.includes("/all/one/blobs/"));
    expect(new Set(blobs).size).toBe(blobs.length);
    expect(blobs).toHaveLength(3 + 4);
  });

  test("each of them is found by its digest, the index by the name's, and they outlive the name", async () => {
    const { name, index, digests } = addMultiPlatform("all/two");
    const context = testContext();
    await pull(context, { image: name, platform: parsePlatform("linux/amd64"), allPlatforms: true });
    const store = await context.store({ create: false });
    const find = (digest: Digest) => store.find(parseReference(`${name}@${digest}`));
    expect((await find(digests["linux/arm64"]!))?.manifest.digest).toBe(digests["linux/arm64"]);
    expect((await find(index.digest))?.manifest.digest).toBe(digests["linux/amd64"]);
    await removeImage(context, name);
    expect(await storedNames(context)).toHaveLength(2);
    const arm = await pull(context, {
      image: `${name}@${digests["linux/arm64"]}`,
      platform: parsePlatform("arm64"),
    });
    expect(arm.stored.manifest.platform).toEqual(parsePlatform("linux/arm64"));
  });

  test("where none is for the platform asked for, all are stored by digest", async () => {
    const { name, digests } = addMultiPlatform("all/three");
    const context = testContext();
    await pull(context, { image: name, platform: parsePlatform("linux/s390x"), allPlatforms: true });
    expect(await storedNames(context)).toEqual(
      Object.values(digests)
        .map((digest) => `${name}@${digest}`)
        .sort(),
    );
  });

  test("an image without an index is pulled as it is", async () => {
    addImage(content, { repository: "all/single", tag: "latest", layers: [base] });
    const context = testContext();
    const name = `${registry.host}/all/single`;
    await pull(context, { image: name, platform: hostPlatform(), allPlatforms: true });
    expect(await storedNames(context)).toEqual([`${name}:latest`]);
  });

  test("M17: a chart beside the images is kept by its digest, attestations are left out, and rmi takes it all away", async () => {
    const chart = addChart(content);
    const { name, digests } = addMultiPlatform("all/mixed", chart);
    const context = testContext();
    const request = { image: name, platform: parsePlatform("linux/amd64"), allPlatforms: true };
    expect((await pull(context, request)).stored.manifest.digest).toBe(digests["linux/amd64"]);
    const others = [chart.digest, digests["linux/arm64"], digests["linux/arm/v7"]];
    expect(await storedNames(context)).toEqual(
      [`${name}:latest`, ...others.map((digest) => `${name}@${digest}`)].sort(),
    );
    const store = await context.store({ create: false });
    expect(await store.verify({ privilege: await context.privilege() })).toMatchObject({ problems: [] });
    for (const stored of await storedNames(context)) await removeImage(context, stored);
    expect(readdirSync(store.paths.blobs)).toEqual([]);
  });

  test("M17: an index of artifacts alone is kept whole, and an artifact without an index under its name", async () => {
    const both = [addChart(content), addChart(content, "another")] as const;
    content.tag("all/charts", "latest", putJson(content, { schemaVersion: 2, manifests: both }, ociIndex));
    content.tag("all/charts", "one", both[0]);
    const context = testContext();
    const name = `${registry.host}/all/charts`;
    const options = { platform: hostPlatform(), allPlatforms: true };
    await pull(context, { image: name, ...options });
    await pull(context, { image: `${name}:one`, ...options });
    expect(await storedNames(context)).toEqual(
      [`${name}:one`, ...both.map(({ digest }) => `${name}@${digest}`)].sort(),
    );
  });

  test("an index of attestations alone is refused", async () => {
    const platform = { os: "unknown", architecture: "unknown" };
    const entry = { ...putJson(content, { some: "statement" }, ociIndex), platform };
    content.tag("all/none", "latest", putJson(content, { schemaVersion: 2, manifests: [entry] }, ociIndex));
    const request = { image: `${registry.host}/all/none`, platform: hostPlatform(), allPlatforms: true };
    await expect(pull(testContext(), request)).rejects.toMatchObject({ code: "NO_PLATFORM" });
  });
});

describe.skipIf(needsHelper !== "")(`${needsHelper}a pull's events`, () => {
  test("tell of every layer that it waits, then each state once, and how much came in", async () => {
    const layer = tar({ name: "x", data: "y".repeat(1000) });
    const { layers } = addImage(content, { repository: "ev/one", tag: "latest", layers: [layer] });
    const context = testContext();
    await pull(context, { image: `${registry.host}/ev/one`, platform: hostPlatform() });
    const states = context.events.flatMap((event) => (event.type === "layer" ? [event.state] : []));
    expect([...new Set(states)]).toEqual(["waiting", "downloading", "verifying", "storing", "done"]);
    const last = context.events.findLast((event) => event.type === "layer");
    const { size } = layers[0]!;
    expect(last).toMatchObject({ state: "done", done: size, total: size, fetched: size });
    await pull(context, { image: `${registry.host}/ev/one`, platform: hostPlatform() });
    expect(context.events.findLast((event) => event.type === "layer")).toMatchObject({
      state: "exists",
      done: size,
      fetched: 0,
    });
  });

  test("bytes kept from an interrupted pull count as here, not as fetched", async () => {
    const layer = tar({ name: "x", data: "z".repeat(50_000) });
    const options = { repository: "ev/two", tag: "latest", layers: [layer], compression: "none" } as const;
    const { layers } = addImage(content, options);
    const { digest, size } = layers[0]!;
    const first = testContext();
    const request = { image: `${registry.host}/ev/two`, platform: hostPlatform() };
    registry.script([
      { on: new RegExp(digest), occurrences: [1], trouble: { kind: "stall", after: 20_000 } },
    ]);
    const stop = new AbortController();
    const stopping = { ...first, signal: stop.signal };
    const interrupted = pull(stopping, request);
    const watch = setInterval(() => {
      const here = first.events.some((event) => event.type === "layer" && event.done >= 20_000);
      if (here) stop.abort();
    }, 5);
    await expect(interrupted).rejects.toMatchObject({ code: "INTERRUPTED" });
    clearInterval(watch);
    first.events.length = 0;
    registry.script([]);
    await pull(first, request);
    const last = first.events.findLast((event) => event.type === "layer");
    expect(last).toMatchObject({ state: "done", done: size, fetched: size - 20_000 });
  });
});

describe.skipIf(needsHelper !== "")(`${needsHelper}a registry that sends nothing more`, () => {
  test("R27: ends the pull with an error that names host, byte and pause, once retries bring no progress", async () => {
    const layer = tar({ name: "x", data: "z".repeat(50_000) });
    const { layers } = addImage(content, {
      repository: "stall/one",
      tag: "latest",
      layers: [layer],
      compression: "none",
    });
    registry.script([{ on: new RegExp(layers[0]!.digest), trouble: { kind: "stall", after: 10_000 } }]);
    const context = testContext({ timing: { retryBaseMs: 1, stallMs: 100 } });
    const error: unknown = await pull(context, {
      image: `${registry.host}/stall/one`,
      platform: hostPlatform(),
    }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NetworkError);
    expect(error).toMatchObject({
      code: "TIMEOUT",
      message: expect.stringMatching(
        /^blob sha256:.*stopped at byte \d+ of \d+: download from 127\.0\.0\.1:\d+: no data for 0\.1 s/,
      ) as unknown,
    });
    expect(context.events.filter((event) => event.type === "retry").length).toBeGreaterThan(0);
  });

  test("R27: in its headers ends in the same error", async () => {
    registry.script([{ on: /GET .*manifests/, trouble: { kind: "stall", after: 0 } }]);
    addImage(content, { repository: "stall/two", tag: "latest", layers: [base] });
    const context = testContext({ timing: { retryBaseMs: 1, stallMs: 100 } });
    const request = { image: `${registry.host}/stall/two`, platform: hostPlatform() };
    await expect(pull(context, request)).rejects.toMatchObject({ code: "TIMEOUT" });
  });
});

describe.skipIf(needsHelper !== "")(`${needsHelper}several names in one pull`, () => {
  test("give their images in order, the same name twice too", async () => {
    addImage(content, { repository: "many/a", tag: "latest", layers: [base] });
    addImage(content, { repository: "many/b", tag: "latest", layers: [base, tar({ name: "b" })] });
    const context = testContext();
    const names = ["many/b", "many/a", "many/b"].map((repository) => `${registry.host}/${repository}`);
    const pulled = await pullAll(context, names, { platform: hostPlatform() });
    expect(pulled.map(({ repository }) => repository)).toEqual(names);
    expect(await storedNames(context)).toHaveLength(2);
  });

  test("a layer that is refused stops the others and names no image", async () => {
    addImage(content, { repository: "many/good", tag: "latest", layers: [base] });
    const bad = addImage(content, { repository: "many/bad", tag: "latest", layers: [tar({ name: "bad" })] });
    registry.script([{ on: new RegExp(bad.layers[0]!.digest), trouble: { kind: "flip", at: 20 } }]);
    const context = testContext();
    const names = ["many/good", "many/bad"].map((repository) => `${registry.host}/${repository}`);
    await expect(pullAll(context, names, { platform: hostPlatform() })).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
    });
    expect(await storedNames(context)).toEqual([]);
  });
});
