import { mkdirSync, openSync, readdirSync, truncateSync, writeFileSync, writeSync, closeSync } from "node:fs";
import path from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { digestOf, hexOf } from "../../src/core/digest.js";
import type { ImageSource } from "../../src/core/image-source.js";
import { ociConfig, ociManifest } from "../../src/core/media-types.js";
import { openArchiveSource } from "../../src/store/archive-pick.js";
import { openArchive } from "../../src/store/archive-images.js";
import { temporaryDirectory } from "../support/store.js";
import { tar, tarEntry, type TarEntrySpec } from "../support/tar.js";

const layer = tar({ name: "hello", data: "hello" });
const config = Buffer.from(
  JSON.stringify({
    os: "linux",
    architecture: "amd64",
    rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
  }),
);
const signal = new AbortController().signal;
const configFile: TarEntrySpec = { name: "config.json", data: config };
const layerFile: TarEntrySpec = { name: "layer.tar", data: layer };

function manifestFile(changes: object = {}): TarEntrySpec {
  const image = { Config: "config.json", RepoTags: ["a:1"], Layers: ["layer.tar"], ...changes };
  return { name: "manifest.json", data: JSON.stringify([image]) };
}

function write(bytes: Buffer): string {
  const file = path.join(temporaryDirectory(), "x.tar");
  writeFileSync(file, bytes);
  return file;
}

async function opened(...entries: readonly (TarEntrySpec | Buffer)[]): Promise<string[][]> {
  const scratch = temporaryDirectory();
  const archive = await openArchive({ file: write(tar(...entries)) }, { directory: scratch });
  try {
    return archive.images.map(({ names }) => [...names]);
  } finally {
    await archive.close();
    expect(readdirSync(scratch)).toEqual([]);
  }
}

async function contentOf(source: ImageSource): Promise<Buffer> {
  const manifest = await source.document(await source.resolve(signal), signal);
  const { layers } = JSON.parse(Buffer.from(manifest).toString()) as {
    layers: [Parameters<ImageSource["read"]>[0]];
  };
  const pieces: Uint8Array[] = [];
  for await (const piece of await source.read(layers[0], { offset: 0, signal })) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe("a docker-archive", () => {
  test("is read in place: names, config, layer bytes", async () => {
    const file = write(tar(configFile, layerFile, manifestFile()));
    const source = await openArchiveSource(file, "a:1", { directory: temporaryDirectory() });
    const manifest = JSON.parse(
      Buffer.from(await source.document(await source.resolve(signal), signal)).toString(),
    ) as { config: Parameters<ImageSource["smallBlob"]>[0] };
    expect(Buffer.from(await source.smallBlob(manifest.config, 1000, signal))).toEqual(config);
    expect(await contentOf(source)).toEqual(layer);
    source.close();
  });

  test("may hold compressed layers", async () => {
    const blob = gzipSync(layer);
    const file = write(tar(configFile, { name: "layer.tar", data: blob }, manifestFile()));
    const source = await openArchiveSource(file, undefined, { directory: temporaryDirectory() });
    expect(await contentOf(source)).toEqual(blob);
    source.close();
  });

  test.each([
    ["gzip", gzipSync],
    ["zstd", zstdCompressSync],
  ])("may be compressed with %s, and its plain copy has no name", async (_name, compress) => {
    const scratch = temporaryDirectory();
    const file = write(compress(tar(configFile, layerFile, manifestFile())));
    const source = await openArchiveSource(file, undefined, { directory: scratch });
    expect(readdirSync(scratch)).toEqual([]);
    expect(await contentOf(source)).toEqual(layer);
    source.close();
  });

  test("may come from a pipe in pieces of any size", async () => {
    const bytes = tar(configFile, layerFile, manifestFile());
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
    }
    const archive = await openArchive({ stream: pieces() }, { directory: temporaryDirectory() });
    expect(await contentOf(archive.images[0]!.source)).toEqual(layer);
    await archive.close();
  });

  test("may name one layer through a link inside it, as docker before 25 does", async () => {
    expect(
      await opened(
        configFile,
        { name: "one/" },
        { name: "one/layer.tar", data: layer },
        { name: "two/" },
        { name: "two/layer.tar", flag: "2", link: "../one/layer.tar" },
        manifestFile({ Layers: ["two/layer.tar"] }),
      ),
    ).toEqual([["docker.io/library/a:1"]]);
  });

  test("may hold several images with several names, or none", async () => {
    const image = { Config: "config.json", Layers: ["layer.tar"] };
    const manifest = [
      { ...image, RepoTags: ["a:1", "ghcr.io/x/a:2"] },
      { ...image, RepoTags: null },
    ];
    const names = await opened(configFile, layerFile, {
      name: "manifest.json",
      data: JSON.stringify(manifest),
    });
    expect(names).toEqual([["docker.io/library/a:1", "ghcr.io/x/a:2"], []]);
  });

  test("is asked for an image by short name, full name or tag, and lists what it has otherwise", async () => {
    const file = write(tar(configFile, layerFile, manifestFile()));
    for (const name of ["a:1", "1", "docker.io/library/a:1"]) {
      const source = await openArchiveSource(file, name, { directory: temporaryDirectory() });
      source.close();
    }
    await expect(openArchiveSource(file, "b", { directory: temporaryDirectory() })).rejects.toMatchObject({
      code: "BAD_REFERENCE",
      hint: "it holds: docker.io/library/a:1",
    });
  });
});

describe("L30: a hostile archive is refused", () => {
  const long = "a".repeat(4 * 1024 * 1024 + 1);
  test.each<[what: string, entries: (TarEntrySpec | Buffer)[], message: RegExp]>([
    [
      "a layer path above the archive",
      [configFile, layerFile, manifestFile({ Layers: ["../../x"] })],
      /\.\.\/\.\.\/x: leads out of the archive/,
    ],
    [
      "an absolute layer path",
      [configFile, layerFile, manifestFile({ Layers: ["/etc/passwd"] })],
      /\/etc\/passwd: leads out of the archive/,
    ],
    [
      "an entry above the archive that the manifest names",
      [configFile, { name: "../../x", data: layer }, manifestFile({ Layers: ["../../x"] })],
      /leads out of the archive/,
    ],
    [
      "a layer that is a symlink to a file of the host",
      [configFile, { name: "layer.tar", flag: "2", link: "/etc/passwd" }, manifestFile()],
      /layer\.tar: leads out of the archive/,
    ],
    [
      "a layer that is a symlink above the archive",
      [configFile, { name: "layer.tar", flag: "2", link: "../../../etc/passwd" }, manifestFile()],
      /layer\.tar: leads out of the archive/,
    ],
    [
      "a config that is a symlink to a file of the host",
      [{ name: "config.json", flag: "2", link: "/etc/passwd" }, layerFile, manifestFile()],
      /config\.json: leads out of the archive/,
    ],
    [
      "a layer that is a hard link to a file of the host",
      [configFile, { name: "layer.tar", flag: "1", link: "/etc/passwd" }, manifestFile()],
      /layer\.tar: leads out of the archive/,
    ],
    [
      "a layer that is a link to itself",
      [configFile, { name: "layer.tar", flag: "2", link: "layer.tar" }, manifestFile()],
      /layer\.tar: not in it, or no file/,
    ],
    [
      "a layer that is a directory",
      [configFile, { name: "layer.tar/" }, manifestFile()],
      /layer\.tar: not in it, or no file/,
    ],
    ["a layer that is not there", [configFile, manifestFile()], /layer\.tar: not in it, or no file/],
    ["a config that is not there", [layerFile, manifestFile()], /config\.json: not in it, or no file/],
    [
      "a manifest.json over the limit",
      [configFile, layerFile, { name: "manifest.json", data: long }],
      /manifest\.json: 4194305 bytes \(expected at most 4194304\)/,
    ],
    ["a manifest.json that is no JSON", [{ name: "manifest.json", data: "{" }], /manifest\.json: /],
    ["a manifest.json of the wrong shape", [{ name: "manifest.json", data: '[{"Config":1}]' }], /0\.Config/],
    [
      "a manifest.json nested deeper than any",
      [{ name: "manifest.json", data: "[".repeat(100_000) }],
      /nested deeper/,
    ],
    ["nothing of an image", [{ name: "x" }], /holds no image/],
    ["a name made of escape codes", [manifestFile({ Config: "\u001b[2J" })], /\?\[2J: not in it/],
  ])("%s", async (_what, entries, message) => {
    await expect(opened(...entries)).rejects.toThrow(message);
  });

  test("a manifest.json that claims a terabyte costs neither time nor memory", async () => {
    const file = path.join(temporaryDirectory(), "sparse.tar");
    const header = tarEntry({ name: "manifest.json" });
    const size = 2 ** 40;
    const claimed = tarEntry({
      name: "manifest.json",
      patch: (block) => {
        block.writeUInt32BE(0x8000_0000, 124);
        block.writeUInt32BE(0, 128);
        block.writeUInt32BE(size / 2 ** 32, 128);
        block.writeUInt32BE(0, 132);
      },
    });
    expect(claimed).toHaveLength(header.length);
    const fd = openSync(file, "w");
    writeSync(fd, claimed);
    closeSync(fd);
    truncateSync(file, 512 + size + 1024);
    await expect(openArchive({ file }, { directory: temporaryDirectory() })).rejects.toThrow(
      /manifest\.json: 1099511627776 bytes \(expected at most 4194304\)/,
    );
    truncateSync(file, 4096);
    await expect(openArchive({ file }, { directory: temporaryDirectory() })).rejects.toThrow(
      /ends within an entry/,
    );
  });

  test.each([
    ["text", Buffer.from("this is no archive, but long enough for the first block".repeat(20))],
    ["zeros cut short", Buffer.alloc(100)],
    ["a damaged gzip", gzipSync(tar(configFile)).subarray(0, 60)],
    ["bzip2", Buffer.from("BZh91AY&SY and so on")],
    ["nothing", Buffer.alloc(0)],
  ])("junk instead of an archive: %s", async (_what, bytes) => {
    await expect(
      openArchive({ file: write(bytes) }, { directory: temporaryDirectory() }),
    ).rejects.toMatchObject({
      name: expect.stringMatching(/^(LayerError|StoreError)$/) as string,
    });
  });

  test("a directory, and a file that is not there", async () => {
    const directory = temporaryDirectory();
    mkdirSync(path.join(directory, "d"));
    for (const name of ["d", "absent"])
      await expect(openArchive({ file: path.join(directory, name) }, { directory })).rejects.toMatchObject({
        code: "STORE_IO",
      });
  });
});

describe("an oci-archive", () => {
  const descriptor = (bytes: Buffer, mediaType: string) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: ociManifest,
      config: descriptor(config, ociConfig),
      layers: [descriptor(layer, "application/vnd.oci.image.layer.v1.tar")],
    }),
  );
  const blob = (bytes: Buffer): TarEntrySpec => ({
    name: `blobs/sha256/${hexOf(digestOf(bytes))}`,
    data: bytes,
  });
  const layout = (annotations: object): TarEntrySpec[] => [
    { name: "oci-layout", data: "{}" },
    {
      name: "index.json",
      data: JSON.stringify({ manifests: [{ ...descriptor(manifest, ociManifest), annotations }] }),
    },
  ];
  const named = { "org.opencontainers.image.ref.name": "v1" };

  test("is read in place", async () => {
    const file = write(tar(...layout(named), blob(manifest), blob(config), blob(layer)));
    const source = await openArchiveSource(file, "v1", { directory: temporaryDirectory() });
    expect(await contentOf(source)).toEqual(layer);
    source.close();
  });

  test("has the full name containerd and docker gave it", async () => {
    const both = { ...named, "io.containerd.image.name": "docker.io/library/a:v1" };
    expect(await opened(...layout(both))).toEqual([["docker.io/library/a:v1"]]);
  });

  test("with a blob missing is refused by that blob's digest", async () => {
    const file = write(tar(...layout(named), blob(manifest), blob(config)));
    const source = await openArchiveSource(file, undefined, { directory: temporaryDirectory() });
    await expect(contentOf(source)).rejects.toThrow(`blob ${digestOf(layer)}: not in it`);
    source.close();
  });

  test("with a manifest that is not what its name says is refused", async () => {
    const wrong = { ...blob(manifest), data: Buffer.from(manifest.toString().replace("2", "3")) };
    const file = write(tar(...layout(named), wrong));
    const source = await openArchiveSource(file, undefined, { directory: temporaryDirectory() });
    await expect(contentOf(source)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    source.close();
  });
});
