import { existsSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ociIndex, ociManifest } from "../../src/core/media-types.js";
import { pullrun, temporaryDirectory, type CliResult } from "../support/cli.js";
import {
  addImage,
  memoryContent,
  putJson,
  startTestRegistry,
  type Fault,
  type TestRegistry,
} from "../support/registry.js";
import { tar, type TarEntrySpec } from "../support/tar.js";
import { mustRun } from "../support/tools.js";

/** What a lying registry or a hostile image can do to the store and the host: nothing, with a reason. */
const content = memoryContent();
let registry: TestRegistry;

beforeAll(async () => {
  registry = await startTestRegistry({ content });
});
afterAll(() => registry.close());

interface Attempt extends CliResult {
  /** Names of blobs, layers and root file systems that became visible. */
  readonly visible: string[];
}

async function attempt(repository: string, faults: readonly Fault[] = []): Promise<Attempt> {
  registry.script(faults);
  const root = temporaryDirectory();
  const result = await pullrun(["run", "--rm", "-q", `${registry.host}/${repository}`], { root });
  const find = ["blobs/sha256", "layers", "rootfs", "containers"].map((name) => path.join(root, name));
  const found = await mustRun("find", [
    ...find,
    "-mindepth",
    "1",
    "-maxdepth",
    "1",
    "-not",
    "-name",
    ".lock-*",
    "-not",
    "-name",
    "erofs.json",
  ]);
  expect((await pullrun(["images", "-q"], { root })).stdout).toBe("");
  return { ...result, visible: found.split("\n").filter((line) => line !== "") };
}

function image(repository: string, ...entries: readonly TarEntrySpec[]): void {
  addImage(content, {
    repository,
    tag: "latest",
    layers: [tar(...entries)],
    process: { Cmd: ["/x"] },
    index: true,
  });
}

function slug(text: string): string {
  return text.toLowerCase().replaceAll(/\W+/g, "-").replaceAll(/^-|-$/g, "");
}

const blob = /GET .*\/blobs\//;
const good: TarEntrySpec = { name: "x", data: "a file large enough to be cut in two\n".repeat(200) };

test.each<[string, Fault[], RegExp]>([
  [
    "a manifest with a flipped byte",
    [{ on: /GET .*manifests/, trouble: { kind: "flip", at: 30 } }],
    /digest is sha256:.* \(expected sha256:/,
  ],
  [
    "blobs with a flipped byte",
    [{ on: blob, trouble: { kind: "flip", at: 60 } }],
    /digest is sha256:.* \(expected sha256:/,
  ],
  [
    "blobs cut short every time",
    [{ on: blob, trouble: { kind: "truncate", after: 40 } }],
    /127\.0\.0\.1.*(bytes|reset|closed|length)/i,
  ],
  [
    "a manifest that is no JSON",
    [{ on: /GET .*manifests/, trouble: { kind: "reply", status: 200, body: "<html>" } }],
    /manifest|size|digest/,
  ],
])(
  "%s: one clear line, status 125, nothing visible",
  async (what, faults, message) => {
    const repository = `bad/${slug(what)}`;
    image(repository, good);
    const { status, stderr, visible } = await attempt(repository, faults);
    expect(
      stderr
        .trimEnd()
        .split("\n")
        .filter((line) => line.startsWith("pullrun: ")),
    ).toHaveLength(1);
    expect(stderr).toMatch(message);
    expect({ status, visible }).toEqual({ status: 125, visible: [] });
  },
  60_000,
);

test.each<[string, object, string, RegExp]>([
  ["layers: null", { config: null, layers: null }, ociManifest, /malformed manifest: config/],
  [
    "an index that is a manifest too",
    { manifests: [], layers: [] },
    ociIndex,
    /both an index and a manifest/,
  ],
  [
    "a path for a digest",
    { manifests: [{ mediaType: ociManifest, digest: "sha256:../../etc", size: 3 }] },
    ociIndex,
    /malformed manifest: manifests\.0\.digest/,
  ],
  [
    "a negative size",
    { manifests: [{ mediaType: ociManifest, digest: `sha256:${"a".repeat(64)}`, size: -1 }] },
    ociIndex,
    /malformed manifest: manifests\.0\.size/,
  ],
  [
    "no platform that fits",
    {
      manifests: [
        {
          mediaType: ociManifest,
          digest: `sha256:${"a".repeat(64)}`,
          size: 3,
          platform: { os: "plan9", architecture: "mips" },
        },
      ],
    },
    ociIndex,
    /no image for linux\/\w+\nhint: available: plan9\/mips/,
  ],
])("a manifest with %s is refused", async (what, body, mediaType, message) => {
  const repository = `malformed/${slug(what)}`;
  content.tag(repository, "latest", putJson(content, { schemaVersion: 2, ...body }, mediaType));
  const { status, stderr, visible } = await attempt(repository);
  expect(stderr).toMatch(message);
  expect({ status, visible }).toEqual({ status: 125, visible: [] });
});

test.each<[string, (outside: string) => TarEntrySpec[]]>([
  ["L1: an entry above the root", () => [{ name: "../../../../canary", data: "changed" }]],
  [
    "L1: an entry above the root in the middle of its path",
    () => [{ name: "a/../../../../../canary", data: "changed" }],
  ],
  [
    "L3: a hard link to a file of the host",
    (outside) => [
      { name: "x", flag: "1", link: path.join(outside, "canary") },
      { name: "x", data: "changed", mode: 0o777 },
    ],
  ],
  [
    "L3: a hard link above the root",
    () => [{ name: "x", flag: "1", link: "../../../../../../../../etc/passwd" }],
  ],
  [
    "L7: a root that is a symlink",
    (outside) => [
      { name: "./", flag: "2", link: outside },
      { name: "canary", data: "changed" },
    ],
  ],
])("%s: the layer is refused and the host untouched", async (what, entries) => {
  const outside = temporaryDirectory();
  const canary = path.join(outside, "canary");
  writeFileSync(canary, "unchanged");
  const repository = `escape/${slug(what)}`;
  image(repository, ...entries(outside));
  const { status, stderr, visible } = await attempt(repository);
  expect({ status, visible }).toEqual({ status: 125, visible: [] });
  expect(stderr).toMatch(/^pullrun: .*layer/m);
  expect(readFileSync(canary, "utf8")).toBe("unchanged");
  expect({ links: lstatSync(canary).nlink, mode: lstatSync(canary).mode & 0o777 }).toEqual({
    links: 1,
    mode: 0o644,
  });
});

test.each<[string, (outside: string) => TarEntrySpec[]]>([
  [
    "L2: an absolute symlink to the host",
    (outside) => [
      { name: "out", flag: "2", link: outside },
      { name: "out/written", data: "x" },
    ],
  ],
  [
    "L2: a chain of symlinks",
    (outside) => [
      { name: "b", flag: "2", link: "/" },
      { name: "a", flag: "2", link: "b" },
      { name: `a${outside}/written`, data: "x" },
    ],
  ],
  [
    "L2: a symlink of many ..",
    (outside) => [
      { name: "up", flag: "2", link: `../../../../../..${outside}` },
      { name: "up/written", data: "x" },
    ],
  ],
])("%s: an entry written through it stays inside the image's root", async (what, entries) => {
  const outside = temporaryDirectory();
  const repository = `through/${slug(what)}`;
  image(repository, ...entries(outside));
  registry.script([]);
  const target = path.join(temporaryDirectory(), "rootfs");
  const name = `${registry.host}/${repository}`;
  const { status } = await pullrun(["unpack", name, target], { root: temporaryDirectory() });
  expect(status).toBe(0);
  expect(existsSync(path.join(outside, "written"))).toBe(false);
  expect(readFileSync(path.join(target, outside, "written"), "utf8")).toBe("x");
});
