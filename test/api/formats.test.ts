import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ensureImage } from "../../src/api/ensure-image.js";
import { listImages } from "../../src/api/images.js";
import { pull, type PulledImage } from "../../src/api/pull.js";
import type { Descriptor } from "../../src/core/descriptor.js";
import { digestOf } from "../../src/core/digest.js";
import { limits } from "../../src/core/limits.js";
import * as types from "../../src/core/media-types.js";
import { parsePlatform } from "../../src/core/platform.js";
import { testContext, type TestContext } from "../support/context.js";
import {
  addImage,
  memoryContent,
  putJson,
  startTestRegistry,
  type Fault,
  type TestRegistry,
} from "../support/registry.js";
import { needsHelper } from "../support/store.js";
import { tar } from "../support/tar.js";

/** The manifests and configs of image-side.md section 3.3: each M case, from a registry to the store or its refusal. */

const content = memoryContent();
let registry: TestRegistry;
beforeAll(async () => {
  registry = await startTestRegistry({ content });
});
afterAll(() => registry.close());
beforeEach(() => registry.script([]));

const plainTar = tar({ name: "hello", data: "hello\n" });
const dockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const amd64 = { os: "linux", architecture: "amd64" };
let count = 0;

/** A new repository whose `latest` is this. */
function named(top: Descriptor): string {
  const repository = `m/image-${++count}`;
  content.tag(repository, "latest", top);
  return `${registry.host}/${repository}`;
}

function index(entries: readonly object[], mediaType: string = types.ociIndex): Descriptor {
  return putJson(content, { schemaVersion: 2, mediaType, manifests: entries }, mediaType);
}

interface Parts {
  readonly layer?: { readonly bytes: Uint8Array; readonly mediaType: string; readonly extra?: object };
  readonly config?: object;
  readonly manifest?: object;
  readonly docker?: boolean;
  readonly configType?: string;
}

/** An image for linux/amd64 of one layer, with any part replaced. */
function image(parts: Parts = {}): Descriptor {
  const docker = parts.docker === true;
  const gzipType = docker ? dockerLayerGzip : types.ociLayerGzip;
  const layer: Parts["layer"] = parts.layer ?? { bytes: gzipSync(plainTar), mediaType: gzipType };
  const rootfs = { type: "layers", diff_ids: [digestOf(plainTar)] };
  const configType = parts.configType ?? (docker ? types.dockerConfig : types.ociConfig);
  const config = putJson(content, { ...amd64, rootfs, ...parts.config }, configType);
  const layers = [{ ...content.put(layer.bytes, layer.mediaType), ...layer.extra }];
  const mediaType = docker ? types.dockerManifest : types.ociManifest;
  return putJson(content, { schemaVersion: 2, mediaType, config, layers, ...parts.manifest }, mediaType);
}

async function pullAs(
  name: string,
  platform = "linux/amd64",
): Promise<{ pulled: PulledImage; context: TestContext }> {
  const context = testContext();
  return { pulled: await pull(context, { image: name, platform: parsePlatform(platform) }), context };
}

/** The error a pull ends with; whatever it is, the store holds no image, layer or blob after it. */
async function refusal(name: string, platform?: string): Promise<unknown> {
  const context = testContext();
  const options = { image: name, platform: parsePlatform(platform ?? "linux/amd64") };
  const error: unknown = await pull(context, options).then(
    () => new Error("it was pulled"),
    (reason: unknown) => reason,
  );
  const store = await context.store({ create: false });
  expect(await store.images()).toEqual([]);
  return error;
}

function refused(code: string, message: RegExp): unknown {
  return expect.objectContaining({ code, message: expect.stringMatching(message) as unknown });
}

describe.skipIf(needsHelper !== "")(`${needsHelper}manifests and configs`, () => {
  test.each([
    ["truncated JSON", '{"schemaVersion":2,"layers":[', "BAD_MANIFEST"],
    ["null", "null", "BAD_MANIFEST"],
    ["a list", "[]", "BAD_MANIFEST"],
    ["deep nesting", `{"config":${"[".repeat(100_000)}`, "BAD_MANIFEST"],
    ["a NUL", '{"schemaVersion":2\u0000}', "BAD_MANIFEST"],
    ["a byte order mark", '\ufeff{"schemaVersion":2}', "BAD_MANIFEST"],
    ["layers: null", '{"schemaVersion":2,"config":{},"layers":null}', "BAD_MANIFEST"],
    ["invalid UTF-8", Buffer.from([0x22, 0xff, 0x22]), "BAD_MANIFEST"],
  ])("M1: a manifest of %s is refused in one line", async (_, body, code) => {
    const error = await refusal(named(content.put(Buffer.from(body as string), types.ociManifest)));
    expect(error).toEqual(refused(code, /^[^\n]*malformed manifest|not a JSON object/));
  });

  test("M1: a key that a manifest or a config has twice is refused: readers differ in which one counts", async () => {
    const manifest = (await contentOf(image())).replace('"layers":', '"layers":[],"layers":');
    expect(await refusal(named(content.put(Buffer.from(manifest), types.ociManifest)))).toEqual(
      refused("BAD_MANIFEST", /malformed manifest: the key layers is there twice/),
    );
    const text = JSON.stringify({ ...amd64, rootfs: { type: "layers", diff_ids: [digestOf(plainTar)] } });
    const twice = text.replace('"os":', '"\\u006fs":"windows","os":');
    const config = content.put(Buffer.from(twice), types.ociConfig);
    expect(await refusal(named(image({ manifest: { config } })))).toEqual(
      refused("BAD_MANIFEST", /the key os is there twice/),
    );
  });

  test("M2: a manifest of 5 MiB, a config of 50 MiB and 10 000 layers are refused before they are read", async () => {
    const padded = image({ manifest: { annotations: { a: "x".repeat(5 << 20) } } });
    expect(await refusal(named(padded))).toEqual(refused("BAD_MANIFEST", /at most 4194304/));
    const config = { mediaType: types.ociConfig, digest: digestOf(Buffer.from("big")), size: 50 << 20 };
    const before = registry.requests.length;
    expect(await refusal(named(image({ manifest: { config } })))).toEqual(
      refused("BAD_MANIFEST", /52428800 bytes \(expected at most 4194304\)/),
    );
    expect(registry.lines().slice(before).join("\n")).not.toContain("/blobs/");
    const layer = content.put(gzipSync(plainTar), types.ociLayerGzip);
    const many = image({ manifest: { layers: Array(10_000).fill(layer) } });
    expect(await refusal(named(many))).toEqual(refused("BAD_MANIFEST", /more than 500 layers/));
  });

  test("M2: the most layers there may be are pulled, the same one 500 times over fetched once", async () => {
    const layer = content.put(gzipSync(plainTar), types.ociLayerGzip);
    const diffIds = Array(limits.layers).fill(digestOf(plainTar));
    const top = image({
      manifest: { layers: Array(limits.layers).fill(layer) },
      config: { rootfs: { type: "layers", diff_ids: diffIds } },
    });
    const before = registry.requests.length;
    await pullAs(named(top));
    const fetched = registry.lines().slice(before);
    expect(fetched.filter((line) => line.endsWith(layer.digest))).toHaveLength(1);
  }, 120_000);

  test("M3: a pull by digest is refused if the body is another", async () => {
    const top = image();
    registry.script([{ on: /GET .*manifests/, trouble: { kind: "flip", at: 40 } }]);
    expect(await refusal(`${named(top)}@${top.digest}`)).toEqual(
      refused("DIGEST_MISMATCH", /expected sha256:/),
    );
  });

  test.each(["manifest", "config", "layer"] as const)(
    "M4: an altered %s below an index is refused",
    async (part) => {
      const { manifest, config, layers, top } = addImage(content, {
        repository: `m/altered-${part}`,
        tag: "latest",
        layers: [plainTar],
        platform: amd64,
        index: true,
      });
      const digest = { manifest, config, layer: layers[0]! }[part].digest;
      registry.script([{ on: new RegExp(`GET .*${digest}`), trouble: { kind: "flip", at: 30 } }]);
      expect(await refusal(named(top))).toEqual(refused("DIGEST_MISMATCH", new RegExp(`expected ${digest}`)));
    },
  );

  test("M4: a recompressed layer, right inside and wrong outside, is refused", async () => {
    const top = image();
    const { layers } = JSON.parse(await contentOf(top)) as { layers: Descriptor[] };
    const original = layers[0]!;
    const body = gzipSync(plainTar, { level: 0 });
    const forged = { digest: original.digest, size: body.length };
    const manifest = image({ manifest: { layers: [{ mediaType: types.ociLayerGzip, ...forged }] } });
    registry.script([
      { on: new RegExp(`GET .*${original.digest}`), trouble: { kind: "reply", status: 200, body } },
    ]);
    expect(await refusal(named(manifest))).toEqual(refused("DIGEST_MISMATCH", /layer sha256:.*digest is/));
  });

  test.each([
    ["manifests and layers", { manifests: [], layers: [] }],
    ["manifests and a config", { manifests: [], config: {} }],
    ["manifests and fsLayers", { manifests: [], fsLayers: [] }],
  ])("M5: a body with both %s is refused", async (_, body) => {
    const top = putJson(content, { schemaVersion: 2, ...body }, types.ociIndex);
    expect(await refusal(named(top))).toEqual(refused("BAD_MANIFEST", /both an index and a manifest/));
  });

  test("M6: a body of another media type than its Content-Type is refused", async () => {
    const top = putJson(
      content,
      { schemaVersion: 2, mediaType: types.dockerList, manifests: [] },
      types.ociIndex,
    );
    expect(await refusal(named(top))).toEqual(refused("BAD_MANIFEST", /but the body says/));
  });

  test.each(["text/plain", "application/json", `${types.ociManifest}; charset=utf-8`, undefined])(
    "M6: a manifest that comes as %s is known by its body",
    async (value) => {
      const top = image();
      registry.script([{ on: /manifests/, trouble: { kind: "header", name: "content-type", value } }]);
      expect((await pullAs(named(top))).pulled.resolved).toBe(top.digest);
    },
  );

  test("M7: an entry without a platform is taken if nothing else fits, the config says for what it is", async () => {
    const only = image();
    const { pulled } = await pullAs(named(index([only])));
    expect(pulled.stored.manifest).toMatchObject({ digest: only.digest, platform: amd64 });
  });

  test("M7: an attestation that comes first is skipped, of two equal matches the first wins", async () => {
    const [first, second] = [image(), image({ config: { author: "another" } })];
    const attestation = {
      ...image({ config: { author: "attestation" } }),
      platform: { os: "unknown", architecture: "unknown" },
      annotations: { "vnd.docker.reference.type": "attestation-manifest" },
    };
    const entries = [attestation, { ...first, platform: amd64 }, { ...second, platform: amd64 }];
    const { pulled } = await pullAs(named(index(entries)));
    expect(pulled.stored.manifest.digest).toBe(first.digest);
  });

  test.each([
    ["only arm", [{ os: "linux", architecture: "arm", variant: "v7" }], /available: linux\/arm\/v7/],
    ["nothing", [], /no image at all/],
  ])("M7: an index with %s is refused, listing what there is", async (_, platforms, hint) => {
    const entries = platforms.map((platform) => ({ ...image(), platform }));
    expect(await refusal(named(index(entries)))).toMatchObject({
      code: "NO_PLATFORM",
      hint: expect.stringMatching(hint) as unknown,
    });
  });

  const variants = ["arm/v5", "arm/v6", "arm/v7", "arm64/v8", "amd64/v2", "amd64/v3", "amd64"];
  test.each([
    ["linux/arm/v7", "arm/v7"],
    ["linux/arm/v6", "arm/v6"],
    ["linux/arm", "arm/v7"],
    ["linux/arm/v8", "arm/v7"],
    ["linux/arm64", "arm64/v8"],
    ["linux/arm64/v8", "arm64/v8"],
    ["linux/arm64/v9", "arm64/v8"],
    ["linux/amd64", "amd64"],
    ["linux/amd64/v2", "amd64/v2"],
    ["linux/amd64/v4", "amd64/v3"],
  ])("M8: %s takes %s, in containerd's order", async (wanted, expected) => {
    const entries = variants.map((variant) => {
      const platform = { os: "linux", architecture: variant.split("/")[0], variant: variant.split("/")[1] };
      return { ...image({ config: { ...platform, author: variant } }), platform };
    });
    const { pulled } = await pullAs(named(index(entries)), wanted);
    expect(pulled.stored.manifest.digest).toBe(entries[variants.indexOf(expected)]?.digest);
  });

  test("M10: a config for another platform than the index says brings a warning, and is what the store says", async () => {
    const arm = image({ config: { architecture: "arm64" } });
    const { pulled, context } = await pullAs(named(index([{ ...arm, platform: amd64 }])));
    const message = "the image is for linux/arm64, not linux/amd64";
    expect(context.events).toContainEqual(expect.objectContaining({ type: "warning", message }));
    expect(pulled.stored.manifest.platform).toEqual({ os: "linux", architecture: "arm64" });
  });

  const wrongDiffId = `sha256:${"a".repeat(64)}`;
  test.each([
    ["too few diffIDs", { type: "layers", diff_ids: [] }, "BAD_MANIFEST", /lists 0 diffIDs \(expected 1/],
    ["too many", { type: "layers", diff_ids: [wrongDiffId, wrongDiffId] }, "BAD_MANIFEST", /lists 2 diffIDs/],
    ["a wrong one", { type: "layers", diff_ids: [wrongDiffId] }, "DIFF_ID_MISMATCH", /diffID is sha256:/],
    [
      "one in upper case",
      { type: "layers", diff_ids: [wrongDiffId.toUpperCase()] },
      "BAD_MANIFEST",
      /diff_ids/,
    ],
    [
      "another type of rootfs",
      { type: "layers+base", diff_ids: [digestOf(plainTar)] },
      "BAD_MANIFEST",
      /type/,
    ],
  ])("M11: a config with %s is refused", async (_, rootfs, code, message) => {
    expect(await refusal(named(image({ config: { rootfs } })))).toEqual(refused(code, message));
  });

  test.each([
    ["no history", {}],
    ["more history than layers", { history: Array(5).fill({ created_by: "x" }) }],
    ["only empty layers in it", { history: [{ empty_layer: true }] }],
    ["an impossible date", { created: "yesterday", history: [{ created: "0000-99-99" }] }],
  ])("M12: a config with %s is pulled", async (_, config) => {
    const top = image({ config });
    expect((await pullAs(named(top))).pulled.resolved).toBe(top.digest);
  });

  const hex = "a".repeat(64);
  test.each([
    ["that climbs", "sha256:../../../etc/passwd"],
    ["that is short and in upper case", "sha256:ABC"],
    ["in upper case", `sha256:${hex.toUpperCase()}`],
    ["of another algorithm", "md5:d41d8cd98f00b204e9800998ecf8427e"],
    ["of 63 digits", `sha256:${hex.slice(1)}`],
    ["with a path behind", `sha256:${hex}/../x`],
    ["of a megabyte", "sha256:".padEnd(1 << 20, "f")],
  ])("M14: a digest %s is refused before any path or URL is made of it", async (_, digest) => {
    const layers = [{ mediaType: types.ociLayerGzip, digest, size: 3 }];
    const before = registry.requests.length;
    const error = await refusal(named(image({ manifest: { layers } })));
    expect(error).toEqual(refused("BAD_MANIFEST", /layers\.0\.digest: not a sha256 digest/));
    expect(registry.lines().slice(before).join("\n")).not.toContain("/blobs/");
  });

  test.each([
    ["negative", -1, "BAD_MANIFEST"],
    ["2^63", 2 ** 63, "BAD_MANIFEST"],
    ["a fraction", 1.5, "BAD_MANIFEST"],
    ["zero", 0, "DIGEST_MISMATCH"],
    ["one too few", gzipSync(plainTar).length - 1, "SIZE_MISMATCH"],
    ["one too many", gzipSync(plainTar).length + 1, "SIZE_MISMATCH"],
  ])("M15: a layer's size that is %s is refused", async (_, size, code) => {
    const bytes = gzipSync(plainTar);
    const layer = { bytes, mediaType: types.ociLayerGzip, extra: { size } };
    expect(await refusal(named(image({ layer })))).toMatchObject({ code });
  });

  test("M16: embedded data is accepted where it is true, and a document with false data is refused", async () => {
    const bytes = gzipSync(plainTar);
    const layerWith = (data: string) => ({ bytes, mediaType: types.ociLayerGzip, extra: { data } });
    const good = image({ layer: layerWith(bytes.toString("base64")) });
    expect((await pullAs(named(good))).pulled.resolved).toBe(good.digest);
    const other = Buffer.from(bytes);
    other[20]! ^= 1;
    for (const data of [other.toString("base64"), bytes.subarray(1).toString("base64"), "", "%"]) {
      const error = await refusal(named(image({ layer: layerWith(data) })));
      expect(error).toEqual(refused("BAD_MANIFEST", /layers\.0: the embedded data does not/));
    }
  });

  const gzipLayer = { bytes: gzipSync(plainTar), mediaType: types.ociLayerGzip };
  const emptyConfig = "application/vnd.oci.empty.v1+json";
  const sbom = { configType: emptyConfig, manifest: { artifactType: "application/spdx+json" } };
  test.each<[string, Parts, RegExp]>([
    [
      "a helm chart",
      { configType: "application/vnd.cncf.helm.config.v1+json" },
      /\(type application\/vnd\.cncf/,
    ],
    ["a WebAssembly module", { configType: "application/vnd.wasm.config.v0+json" }, /\(type .*wasm/],
    ["an AI model", { configType: "application/vnd.docker.ai.model.config.v0.1+json" }, /\(type .*ai\.model/],
    ["an artifact with an empty config", { configType: emptyConfig }, /\(type .*empty/],
    ["an artifact that says its type", sbom, /\(type application\/spdx\+json\)/],
    [
      "an encrypted layer",
      { layer: { ...gzipLayer, mediaType: `${types.ociLayerGzip}+encrypted` } },
      /layer type .*\+gzip\+encrypted: the layer is encrypted/,
    ],
    [
      "a layer of an unknown type",
      { layer: { ...gzipLayer, mediaType: "application/vnd.example.layer" } },
      /\(layer type application\/vnd\.example\.layer, which is not a tar\)/,
    ],
  ])(
    "M17: %s is kept on an explicit pull, listed, whole; to run it is refused, saying what it is",
    async (_, parts, said) => {
      const top = image(parts);
      const name = named(top);
      const before = registry.requests.length;
      const error = await refusal(name);
      expect(error).toEqual(refused("UNSUPPORTED_MEDIA", /: not a container image/));
      expect(error).toEqual(refused("UNSUPPORTED_MEDIA", said));
      expect(registry.lines().slice(before).join("\n")).not.toContain("/blobs/");

      const context = testContext();
      const pulled = await pull(context, {
        image: name,
        platform: parsePlatform("linux/amd64"),
        artifacts: true,
      });
      expect(pulled).toMatchObject({ resolved: top.digest, stored: { manifest: { digest: top.digest } } });
      const blob = parts.layer?.bytes ?? gzipLayer.bytes;
      expect(await listImages(context, {})).toMatchObject([
        { digest: top.digest, platform: "", size: blob.length },
      ]);
      const store = await context.store({ create: false });
      expect(
        Buffer.from(await store.read({ digest: digestOf(blob), size: blob.length, mediaType: "" }, 9999)),
      ).toEqual(blob);
      const privilege = await context.privilege();
      expect(await store.verify({ privilege })).toMatchObject({ problems: [], checked: { blobs: 3 } });
      const loading = ensureImage(context, {
        image: name,
        platform: parsePlatform("linux/amd64"),
        platformGiven: false,
        pull: "missing",
      });
      await expect(loading).rejects.toEqual(refused("UNSUPPORTED_MEDIA", said));
      expect(context.events.filter(({ type }) => type === "warning")).toEqual([]);
      await store.remove(pulled.stored, { privilege });
      expect(readdirSync(store.paths.blobs)).toEqual([]);
    },
  );

  test("M17: an artifact whose bytes are wrong is fetched again once, then refused, and nothing of it stays", async () => {
    const top = image({ configType: emptyConfig });
    const flip: Fault = {
      on: new RegExp(`GET .*${digestOf(gzipLayer.bytes)}`),
      trouble: { kind: "flip", at: 30 },
    };
    const request = { image: named(top), platform: parsePlatform("linux/amd64"), artifacts: true };
    registry.script([{ ...flip, occurrences: [1] }]);
    expect((await pull(testContext(), request)).resolved).toBe(top.digest);
    registry.script([flip]);
    const context = testContext();
    await expect(pull(context, request)).rejects.toEqual(
      refused("DIGEST_MISMATCH", /blob sha256:.* digest is/),
    );
    const { paths } = await context.store({ create: false });
    expect(readdirSync(paths.blobs)).toEqual([]);
  });

  test.each(["prettyjws", "json"])("M18: schema 1 (%s) is too old, and the error says so", async (suffix) => {
    const mediaType = `application/vnd.docker.distribution.manifest.v1+${suffix}`;
    const top = putJson(
      content,
      { schemaVersion: 1, name: "x", tag: "y", fsLayers: [], history: [] },
      mediaType,
    );
    expect(await refusal(named(top))).toEqual(refused("UNSUPPORTED_MEDIA", /schema 1 manifest, too old/));
  });

  test("M19: no event holds a control character of an annotation, a label or a media type", async () => {
    const evil = "\u001b[2J\u009b31m\nsecond line\u202e";
    const labels = { [evil]: evil, long: "x".repeat(1 << 20) };
    const top = image({
      manifest: { annotations: { [evil]: evil } },
      config: { config: { Labels: labels } },
    });
    const { context } = await pullAs(named(top));
    const texts = context.events
      .flatMap((event): unknown[] => Object.values(event))
      .filter((text) => typeof text === "string");

    expect(texts.join("")).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/);
    const error = await refusal(named(image({ configType: `application/${evil}` })));

    expect((error as Error).message).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/);
  });

  const zstdChunked = Buffer.concat([
    zstdCompressSync(plainTar),
    // What zstd:chunked appends: a skippable frame (RFC 8878, 3.1.2).
    Buffer.from("502a4d18", "hex"),
    Buffer.from([5, 0, 0, 0]),
    Buffer.from("index"),
  ]);
  const stargz = Buffer.concat([gzipSync(plainTar.subarray(0, 700)), gzipSync(plainTar.subarray(700))]);
  test.each([
    ["says gzip, is zstd", types.ociLayerGzip, zstdCompressSync(plainTar)],
    ["says gzip, is plain", types.ociLayerGzip, plainTar],
    ["says zstd, is gzip", types.ociLayerZstd, gzipSync(plainTar)],
    ["says plain, is gzip", types.ociLayer, gzipSync(plainTar)],
    ["is zstd:chunked", types.ociLayerZstd, zstdChunked],
    ["is eStargz, gzip in many members", types.ociLayerGzip, stargz],
    [
      "is not to be distributed",
      types.ociLayerGzip.replace("layer.", "layer.nondistributable."),
      gzipSync(plainTar),
    ],
  ])("M20: a layer that %s is unpacked for what it is", async (_, mediaType, bytes) => {
    const { pulled, context } = await pullAs(named(image({ layer: { bytes, mediaType } })));
    const store = await context.store({ create: false });
    expect(store.layersSize([digestOf(plainTar) as never])).toBe(plainTar.length);
    expect(pulled.stored.manifest.platform).toEqual(amd64);
  });

  test("M20: a layer compressed with something else is refused, naming it", async () => {
    const bytes = Buffer.concat([Buffer.from("BZh9"), randomBytes(60)]);
    const error = await refusal(named(image({ layer: { bytes, mediaType: types.ociLayerGzip } })));
    expect(error).toEqual(refused("BAD_COMPRESSION", /compressed with bzip2/));
  });
});

describe.skipIf(needsHelper !== "")(`${needsHelper}shapes of images`, () => {
  test("docker's schema 2, alone and in a manifest list", async () => {
    const top = image({ docker: true });
    expect((await pullAs(named(top))).pulled.resolved).toBe(top.digest);
    const list = index([{ ...top, platform: amd64 }], types.dockerList);
    const { pulled } = await pullAs(named(list));
    expect(pulled).toMatchObject({ resolved: list.digest, stored: { manifest: { digest: top.digest } } });
  });

  test("an index in an index is walked through, up to a depth, and all of them are stored", async () => {
    const bottom = image();
    let top: Descriptor = index([{ ...bottom, platform: amd64 }]);
    const inner = top;
    for (let depth = 1; depth < limits.indexDepth; depth++) top = index([{ ...top, platform: amd64 }]);
    const { pulled, context } = await pullAs(named(top));
    expect(pulled).toMatchObject({ resolved: top.digest, stored: { manifest: { digest: bottom.digest } } });
    const store = await context.store({ create: false });
    expect(await store.has(inner)).toBe(true);
    const error = await refusal(named(index([{ ...top, platform: amd64 }])));
    expect(error).toEqual(refused("BAD_MANIFEST", /nested deeper than 4/));
  });

  test("a foreign layer comes from the registry or not at all: its URLs are never asked", async () => {
    const elsewhere = await startTestRegistry({ content });
    const urls = [`${elsewhere.url}/v2/m/x/blobs/y`];
    const mediaType = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    const bytes = gzipSync(plainTar);
    const there = image({ docker: true, layer: { bytes, mediaType, extra: { urls } } });
    expect((await pullAs(named(there))).pulled.resolved).toBe(there.digest);
    const missing = { digest: digestOf(Buffer.from("elsewhere")), size: 9, urls };
    const absent = image({ docker: true, layer: { bytes, mediaType, extra: missing } });
    expect(await refusal(named(absent))).toMatchObject({ code: "BLOB_UNKNOWN" });
    expect(elsewhere.requests).toEqual([]);
    await elsewhere.close();
  });

  test("a layer named twice with different sizes is refused", async () => {
    const layer = content.put(gzipSync(plainTar), types.ociLayerGzip);
    const layers = [layer, { ...layer, size: layer.size + 1 }];
    const rootfs = { type: "layers", diff_ids: [digestOf(plainTar), digestOf(plainTar)] };
    expect(await refusal(named(image({ manifest: { layers }, config: { rootfs } })))).toMatchObject({
      code: "SIZE_MISMATCH",
    });
  });
});

async function contentOf({ digest }: Descriptor): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of (await content.open(digest))!.body) pieces.push(piece);
  return Buffer.concat(pieces).toString("utf8");
}
