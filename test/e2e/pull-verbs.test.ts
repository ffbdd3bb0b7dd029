import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Descriptor } from "../../src/core/descriptor.js";
import { parsePlatform } from "../../src/core/platform.js";
import { ociIndex } from "../../src/core/media-types.js";
import { demoLayout, pullrun, temporaryDirectory } from "../support/cli.js";
import {
  addImage,
  memoryContent,
  putJson,
  startTestRegistry,
  type TestImage,
  type TestRegistry,
} from "../support/registry.js";
import { serveFixtures } from "../support/served.js";
import { tar } from "../support/tar.js";

const content = memoryContent();
let registry: TestRegistry;
let arm: TestImage;
let index: Descriptor;

beforeAll(async () => {
  registry = await startTestRegistry({ content });
  const repository = "team/app";
  arm = addImage(content, {
    repository,
    tag: "v1.10",
    layers: [tar({ name: "x" })],
    platform: parsePlatform("linux/arm64"),
  });
  const amd = addImage(content, {
    repository,
    tag: "v1.9",
    layers: [tar({ name: "y" })],
    platform: parsePlatform("linux/amd64"),
  });
  const manifests = [
    { ...amd.manifest, platform: { os: "linux", architecture: "amd64" } },
    { ...arm.manifest, platform: { os: "linux", architecture: "arm64" } },
  ];
  const annotations = { evil: "\u001b[2J\u009b31m\u202e" };
  index = putJson(content, { schemaVersion: 2, manifests, annotations }, ociIndex);
  content.tag(repository, "latest", index);
});
afterAll(() => registry.close());

function sha256(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

const name = (): string => `${registry.host}/team/app`;

describe("tags", () => {
  test("lists them in natural order, a line each, or as JSON", async () => {
    expect(await pullrun(["tags", name()])).toEqual({
      status: 0,
      stdout: "latest\nv1.9\nv1.10\n",
      stderr: "",
    });
    const { stdout } = await pullrun(["tags", "--json", name()]);
    expect(JSON.parse(stdout)).toEqual(["latest", "v1.9", "v1.10"]);
  });

  test.each([":latest", `@sha256:${"a".repeat(64)}`])("refuses a name with %s", async (end) => {
    const { status, stderr } = await pullrun(["tags", `${name()}${end}`]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^pullrun: repository: .*has a tag or a digest\nhint: /);
  });
});

describe("digest", () => {
  test("prints what names stand for, with HEAD requests alone", async () => {
    const before = registry.requests.length;
    const { status, stdout } = await pullrun(["digest", name(), `${name()}:v1.10`]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${index.digest}\n${arm.top.digest}\n` });
    const lines = registry.lines().slice(before);
    expect(lines.filter((line) => line !== "GET /v2/")).toEqual([
      "HEAD /v2/team/app/manifests/latest",
      "HEAD /v2/team/app/manifests/v1.10",
    ]);
  });

  test("knows images on disk", async () => {
    const { stdout } = await pullrun(["digest", `oci:${demoLayout}:pullrun/hello-world:latest`]);
    expect(stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  });
});

describe("manifest", () => {
  test("--raw prints the exact bytes: their sha256 is the digest", async () => {
    const { stdout } = await pullrun(["manifest", "--raw", name()]);
    expect(sha256(stdout)).toBe(index.digest);
  });

  test("prints it indented, whatever is in it made harmless", async () => {
    const { stdout } = await pullrun(["manifest", name()]);
    expect(stdout).toMatch(/^\{\n {2}"/);

    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    expect(JSON.parse(stdout)).toMatchObject({ annotations: { evil: "\u001b[2J\u009b31m\u202e" } });
  });

  test("what a spec has of an image is as harmless", async () => {
    const env = "A=\u001b[2J\u009b31m\u202e";
    const { stdout } = await pullrun(["spec", "--network", "none", "-e", env, name(), "/x"], {
      root: temporaryDirectory(),
    });
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    const { process } = JSON.parse(stdout) as { readonly process: { readonly env: readonly string[] } };
    expect(process.env).toContain(env);
  });

  test("--platform goes through the index", async () => {
    const { stdout } = await pullrun(["manifest", "--raw", "--platform", "linux/arm64", name()]);
    expect(sha256(stdout)).toBe(arm.manifest.digest);
    const { status, stderr } = await pullrun(["manifest", "--platform", "linux/s390x", name()]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/no image for linux\/s390x\nhint: available: linux\/amd64, linux\/arm64/);
  });

  test("of an image that is not there is one line and a hint, and no store is made for it", async () => {
    const root = path.join(temporaryDirectory(), "store");
    const { status, stdout, stderr } = await pullrun(["manifest", `${name()}:none`], { root });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^pullrun: manifest of .*team\/app:none: not found.*\nhint: [^\n]*\n$/);
    expect(existsSync(root)).toBe(false);
  });
});

describe("pull --progress", () => {
  async function pullWith(...flags: readonly string[]) {
    return pullrun(["pull", "--platform", "linux/arm64", ...flags, name()], { root: temporaryDirectory() });
  }

  test.each([[["-q"]], [["--progress", "none"]], [["--progress", "quiet"]], [["-q", "--progress", "plain"]]])(
    "%j shows nothing but the result",
    async (flags) => {
      expect(await pullWith(...flags)).toEqual({
        status: 0,
        stdout: `${name()}@${index.digest}\n`,
        stderr: "",
      });
    },
  );

  test.each([[[]], [["--progress", "plain"]], [["--progress", "tty"]]])(
    "%j without a terminal is lines without escape codes",
    async (flags) => {
      const { stdout, stderr } = await pullWith(...flags);
      expect(stdout).toBe(`${name()}@${index.digest}\n`);
      expect(stderr).not.toContain("\u001b");
      expect(stderr).toMatch(
        /^pulling [^\n]*team\/app:latest\n[^\n]*1 layer, [^\n]*\nlayer [0-9a-f]{12}: downloading [^\n]*\n/,
      );
      expect(stderr).toMatch(/\nfetched \d+B in [\d.]+s\n$/);
    },
  );

  test("json is one event a line on stderr, and the result on stdout", async () => {
    const { stdout, stderr } = await pullWith("--progress", "json");
    expect(stdout).toBe(`${name()}@${index.digest}\n`);
    const events = stderr
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string });
    expect(events.at(0)?.type).toBe("resolving");
    expect(events.at(1)).toMatchObject({ type: "resolved", digest: index.digest });
    expect(events.at(-1)?.type).toBe("pulled");
  });

  test("of any other kind is refused", async () => {
    const { status, stderr } = await pullWith("--progress", "fancy");
    expect(status).toBe(2);
    expect(stderr).toMatch(/--progress/);
  });
});

test("pull --all-platforms stores an index whole: served from the store, it gives each platform's image", async () => {
  const root = temporaryDirectory();
  expect((await pullrun(["pull", "-q", "--all-platforms", name()], { root })).status).toBe(0);
  const { stdout } = await pullrun(["images", "--digests", "--json"], { root });
  const images = JSON.parse(stdout) as readonly { platform: string; digest: string }[];
  expect(images.map(({ platform }) => platform).toSorted()).toEqual(["linux/amd64", "linux/arm64"]);
  const served = await serveFixtures(root);
  for (const platform of ["linux/amd64", "linux/arm64"]) {
    const copy = `${served.host}/team/app`;
    const pulled = await pullrun(["pull", "-q", "--platform", platform, copy], {
      root: temporaryDirectory(),
    });
    expect(pulled).toMatchObject({ status: 0, stdout: `${copy}@${index.digest}\n` });
  }
  await served.close();
});
