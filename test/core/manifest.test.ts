import { describe, expect, test } from "vitest";
import { limits } from "../../src/core/limits.js";
import { parseManifest } from "../../src/core/manifest.js";
import * as types from "../../src/core/media-types.js";
import { selectManifest } from "../../src/core/select.js";
import { formatPlatform, parsePlatform } from "../../src/core/platform.js";
import type { Index } from "../../src/core/manifest.js";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
const config = { mediaType: types.ociConfig, digest, size: 100 };
const layer = { mediaType: types.ociLayerGzip, digest, size: 1000 };
const manifest = { schemaVersion: 2, config, layers: [layer] };
const index = { schemaVersion: 2, manifests: [{ mediaType: types.ociManifest, digest, size: 10 }] };

function parse(value: unknown, mediaType?: string): ReturnType<typeof parseManifest> {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return parseManifest("manifest of x", Buffer.from(text), mediaType);
}

describe("manifests and indexes that are good", () => {
  test.each([
    ["an OCI manifest", manifest, types.ociManifest, "manifest", types.ociManifest],
    [
      "one that says its type itself",
      { ...manifest, mediaType: types.ociManifest },
      types.ociManifest,
      "manifest",
      types.ociManifest,
    ],
    [
      "docker's manifest",
      { ...manifest, mediaType: types.dockerManifest },
      types.dockerManifest,
      "manifest",
      types.dockerManifest,
    ],
    ["an OCI index", index, types.ociIndex, "index", types.ociIndex],
    ["docker's list", index, types.dockerList, "index", types.dockerList],
    ["a manifest carried as plain text", manifest, "text/plain", "manifest", types.ociManifest],
    [
      "docker's manifest carried as JSON",
      { ...manifest, mediaType: types.dockerManifest },
      "application/json",
      "manifest",
      types.dockerManifest,
    ],
    ["an index of unknown type", index, undefined, "index", types.ociIndex],
    [
      "a manifest without layers",
      { ...manifest, layers: [] },
      types.ociManifest,
      "manifest",
      types.ociManifest,
    ],
    ["an empty index", { ...index, manifests: [] }, types.ociIndex, "index", types.ociIndex],
    [
      "null annotations and platforms",
      { ...manifest, annotations: null, layers: [{ ...layer, platform: null, annotations: null }] },
      types.ociManifest,
      "manifest",
      types.ociManifest,
    ],
    [
      "members we do not know",
      { ...manifest, subject: {}, artifactType: "x", extra: [1] },
      types.ociManifest,
      "manifest",
      types.ociManifest,
    ],
  ])("%s", (_, value, carried, kind, mediaType) => {
    expect(parse(value, carried)).toMatchObject({ kind, mediaType });
  });

  test("keep what we need of each descriptor", () => {
    const entry = {
      ...index.manifests[0],
      platform: { os: "linux", architecture: "arm64", variant: "v8", "os.version": "x", features: [] },
      annotations: { a: "b" },
      urls: ["https://evil.example"],
      "x-new": "aaaa",
    };
    expect(parse({ ...index, manifests: [entry] }, types.ociIndex)).toMatchObject({
      manifests: [
        { digest, size: 10, platform: { os: "linux", architecture: "arm64" }, annotations: { a: "b" } },
      ],
    });
  });
});

describe("manifests and indexes that are refused", () => {
  test.each([
    ["no JSON", "<html>", /malformed manifest/],
    ["truncated JSON", JSON.stringify(manifest).slice(0, -10), /malformed manifest/],
    ["a byte order mark", `\ufeff${JSON.stringify(manifest)}`, /malformed manifest/],
    ["null", "null", /not a JSON object/],
    ["a list", "[]", /not a JSON object/],
    ["a string", '"x"', /not a JSON object/],
    ["deep nesting", `{"layers":${"[".repeat(100_000)}`, /nested deeper/],
    ["an empty object", {}, /Invalid key|config/],
    ["null layers", { ...manifest, layers: null }, /layers/],
    ["layers that are no list", { ...manifest, layers: { 0: layer } }, /layers/],
    ["no config", { schemaVersion: 2, layers: [] }, /config/],
    [
      "too many layers",
      { ...manifest, layers: Array(limits.layers + 1).fill(layer) },
      /more than 500 layers/,
    ],
    [
      "a digest that climbs",
      { ...manifest, layers: [{ ...layer, digest: "sha256:../../x" }] },
      /layers\.0\.digest: not a sha256 digest/,
    ],
    [
      "a digest in upper case",
      { ...manifest, config: { ...config, digest: digest.toUpperCase() } },
      /config\.digest/,
    ],
    ["a size below zero", { ...manifest, layers: [{ ...layer, size: -1 }] }, /layers\.0\.size/],
    [
      "a size that is no integer",
      { ...manifest, layers: [{ ...layer, size: 1.5 }] },
      /size is not an integer/,
    ],
    [
      "a size of 2^63",
      JSON.stringify(manifest).replace("1000", "9223372036854775808"),
      /size is not an integer/,
    ],
    ["a size as text", { ...manifest, layers: [{ ...layer, size: "1000" }] }, /layers\.0\.size/],
    [
      "a size beyond any layer",
      { ...manifest, layers: [{ ...layer, size: limits.blobBytes + 1 }] },
      /layers\.0\.size/,
    ],
    ["no media type on a layer", { ...manifest, layers: [{ digest, size: 1 }] }, /layers\.0\.mediaType/],
    [
      "an endless media type",
      { ...manifest, layers: [{ ...layer, mediaType: "x".repeat(300) }] },
      /layers\.0\.mediaType/,
    ],
    ["both kinds at once", { ...manifest, ...index }, /both an index and a manifest/],
    ["an index with a config", { ...index, config }, /both an index and a manifest/],
    ["an index with schema 1 layers", { ...index, fsLayers: [] }, /both an index and a manifest/],
    [
      "another type inside than outside",
      { ...manifest, mediaType: types.dockerManifest },
      /but the body says/,
    ],
    ["an index type inside", { ...manifest, mediaType: types.ociIndex }, /but the body says/],
    ["an unknown type inside", { ...manifest, mediaType: "application/x" }, /but the body says/],
    ["a media type that is no text", { ...manifest, mediaType: 5 }, /mediaType is not a string/],
    ["annotations that are no text", { ...manifest, annotations: { a: 1 } }, /annotations/],
  ])("%s", (_, value, message) => {
    expect(() => parse(value, types.ociManifest)).toThrow(message);
    expect(() => parse(value, types.ociManifest)).toThrow(expect.objectContaining({ code: "BAD_MANIFEST" }));
  });

  // Whoever signs the digest of such a document vouches for whichever image a reader finds in it.
  test.each([
    ["its name", types.ociManifest, {}],
    ["the other name", types.ociIndex, {}],
    ["no name", undefined, {}],
    ["a name that says nothing", "application/octet-stream", {}],
    ["its name inside and outside", types.ociManifest, { mediaType: types.ociManifest }],
    ["the other name inside and outside", types.ociIndex, { mediaType: types.ociIndex }],
    ["its name only inside", undefined, { mediaType: types.dockerManifest }],
  ])("CVE-2021-41190: a document that is a manifest and an index, by %s", (_, carried, named) => {
    expect(() => parse({ ...manifest, ...index, ...named }, carried)).toThrow(/both an index and a manifest/);
  });

  test.each([
    ["a manifest", manifest, types.ociManifest, types.ociIndex],
    ["an index", index, types.ociIndex, types.ociManifest],
    ["docker's manifest", manifest, types.dockerManifest, types.dockerList],
  ])("CVE-2021-41190: %s that is carried, or names itself, as the other kind", (_, document, own, other) => {
    expect(() => parse({ ...document, mediaType: own }, other)).toThrow(/but the body says/);
    expect(() => parse({ ...document, mediaType: other }, own)).toThrow(/but the body says/);
    expect(() => parse({ ...document, mediaType: other }, other)).toThrow(/malformed/);
  });

  test("an index in the place of a manifest, and the reverse", () => {
    expect(() => parse(index, types.ociManifest)).toThrow(/malformed/);
    expect(() => parse(manifest, types.ociIndex)).toThrow(/malformed/);
  });

  test("an index of too many entries", () => {
    const manifests = Array(limits.indexEntries + 1).fill(index.manifests[0]);
    expect(() => parse({ ...index, manifests }, types.ociIndex)).toThrow(/more than 1000 manifests/);
  });

  test.each([
    ["schema 1 by version", { schemaVersion: 1, fsLayers: [] }, undefined],
    ["schema 1 by type", manifest, "application/vnd.docker.distribution.manifest.v1+prettyjws"],
    ["another kind of document", { ...manifest, mediaType: "application/vnd.example" }, undefined],
  ])("%s is not supported", (_, value, carried) => {
    expect(() => parse(value, carried)).toThrow(expect.objectContaining({ code: "UNSUPPORTED_MEDIA" }));
  });

  test("messages show no control characters of the document", () => {
    const evil = { ...manifest, mediaType: "\u001b[2Jx\n" };
    expect(() => parse(evil, types.ociManifest)).toThrow(/\?\[2Jx\?/);
  });
});

describe("choosing the manifest for a platform", () => {
  function indexOf(...platforms: readonly (string | undefined)[]): Index {
    const manifests = platforms.map((platform, i) => {
      const hex = i.toString(16).padStart(64, "0");
      const [os, architecture, variant] = platform?.split("/") ?? [];
      const entry = { mediaType: types.ociManifest, digest: `sha256:${hex}`, size: 1 };
      return platform === undefined ? entry : { ...entry, platform: { os, architecture, variant } };
    });
    return parse({ ...index, manifests }, types.ociIndex) as Index;
  }

  function chosen(of: Index, wanted: string): number {
    return of.manifests.indexOf(selectManifest("x", of, parsePlatform(wanted)));
  }

  test.each([
    ["the one that fits", ["linux/arm64", "linux/amd64"], "linux/amd64", 1],
    ["the first of equals", ["linux/amd64", "linux/amd64"], "linux/amd64", 0],
    ["not an attestation that comes first", ["unknown/unknown", "linux/amd64"], "linux/amd64", 1],
    ["arm64 however its variant is spelled", ["linux/arm/v7", "linux/arm64/v8"], "linux/arm64", 1],
    [
      "the highest variant not above the wanted",
      ["linux/arm/v5", "linux/arm/v6", "linux/arm/v7"],
      "linux/arm/v6",
      1,
    ],
    ["a lower variant where there is none better", ["linux/arm/v5"], "linux/arm/v7", 0],
    ["an entry without a platform if nothing fits", ["linux/arm64", undefined], "linux/amd64", 1],
    ["an exact entry before one without a platform", [undefined, "linux/amd64"], "linux/amd64", 1],
  ])("takes %s", (_, platforms, wanted, expected) => {
    expect(chosen(indexOf(...platforms), wanted)).toBe(expected);
  });

  test.each([
    ["only other platforms", ["linux/arm64", "windows/amd64"], /available: linux\/arm64, windows\/amd64/],
    ["only a higher variant", ["linux/amd64/v3"], /linux\/amd64\/v3/],
    ["only attestations", ["unknown/unknown"], /no image at all/],
    ["nothing", [], /no image at all/],
  ])("refuses an index with %s, listing what there is", (_, platforms, hint) => {
    const select = (): unknown => chosen(indexOf(...platforms), "linux/amd64");
    expect(select).toThrow(
      expect.objectContaining({ code: "NO_PLATFORM", hint: expect.stringMatching(hint) as unknown }),
    );
  });

  test("reads platforms with a null variant, as some tools write them", () => {
    const entry = { ...index.manifests[0], platform: { os: "linux", architecture: "amd64", variant: null } };
    const parsed = parse({ ...index, manifests: [entry] }, types.ociIndex) as Index;
    expect(parsed.manifests.map(({ platform }) => platform && formatPlatform(platform))).toEqual([
      "linux/amd64",
    ]);
  });
});
