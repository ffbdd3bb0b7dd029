import { rmSync } from "node:fs";
import { hexOf } from "../../src/core/digest.js";
import { beforeAll, describe, expect, test } from "vitest";
import { dockerView } from "../../src/api/inspect-docker.js";
import { listImageTree } from "../../src/api/image-tree.js";
import { listImages } from "../../src/api/images.js";
import { inspectImage } from "../../src/api/inspect.js";
import { tagImage } from "../../src/api/tag.js";
import { openInspected, type Inspected } from "../support/inspected.js";
import { needsHelper } from "../support/store.js";

describe.skipIf(needsHelper !== "")(`${needsHelper}images`, () => {
  let images: Inspected;
  beforeAll(async () => {
    images = await openInspected();
    await images.add("docker.io/library/app:1", [["shared"], ["one"]], {
      created: "2024-01-01T00:00:00Z",
      config: { Labels: { team: "red", empty: "" }, Env: ["A=b"], ExposedPorts: { "80/tcp": {} } },
    });
    await images.add("docker.io/library/app:2", [["shared"], ["two"]], { created: "2024-02-01T00:00:00Z" });
    await images.add("ghcr.io/org/app:2", [["three"]], { created: "2024-03-01T00:00:00Z" });
    await images.add("docker.io/library/timeless:1", [["four"]]);
  });

  const list = async (...filters: string[]) =>
    (await listImages(images.context, { filters })).map(({ repository, tag }) => `${repository}:${tag}`);

  test.each([
    [["reference=app"], ["app:2", "app:1"]],
    [["reference=app:1"], ["app:1"]],
    [["reference=*:2"], ["app:2"]],
    [["reference=ghcr.io/*/app"], ["ghcr.io/org/app:2"]],
    [["reference=ghcr.io/*"], []],
    [["reference=a?p:[12]"], ["app:2", "app:1"]],
    [
      ["reference=app:1", "reference=ghcr.io/org/*"],
      ["ghcr.io/org/app:2", "app:1"],
    ],
    [["before=app:2"], ["app:1"]],
    [["since=app:1"], ["ghcr.io/org/app:2", "app:2"]],
    [["since=app:1", "before=ghcr.io/org/app:2"], ["app:2"]],
    [["until=2024-02-01"], ["app:1"]],
    [["until=2024-02-01T00:00:01Z"], ["app:2", "app:1"]],
    [
      ["until=24h", "reference=app"],
      ["app:2", "app:1"],
    ],
    [
      ["dangling=false", "reference=app"],
      ["app:2", "app:1"],
    ],
    [["dangling=true"], []],
    [["label=team"], ["app:1"]],
    [["label=team=red"], ["app:1"]],
    [["label=team=blue"], []],
    [["label=constructor"], []],
    [["label=team", "reference=*:2"], []],
  ])("filters %j leave %j", async (filters, names) => {
    expect(await list(...filters)).toEqual(names);
  });

  test.each([
    ["nonsense"],
    ["color=red"],
    ["reference="],
    ["before=absent"],
    ["until=soon"],
    ["dangling=maybe"],
  ])("the filter %s is refused", async (filter) => {
    await expect(list(filter)).rejects.toThrow();
  });

  test("dangling=true leaves what has no tag: pulled by its digest", async () => {
    const digests = await openInspected();
    const name = `ghcr.io/org/app@sha256:${"5".repeat(64)}`;
    await digests.add(name, [["one"]]);
    await digests.add("ghcr.io/org/app:1", [["two"]]);
    const found = (value: string) => listImages(digests.context, { filters: [`dangling=${value}`] });
    expect((await found("true")).map(({ tag }) => tag)).toEqual([undefined]);
    expect((await found("0")).map(({ tag }) => tag)).toEqual(["1"]);
  });

  test("a tag is one more name of the same image, and taken from whatever had it", async () => {
    expect(await tagImage(images.context, "app:1", "team/copy")).toBe("docker.io/team/copy:latest");
    const [copy] = await listImages(images.context, { name: "team/copy" });
    expect(copy?.id).toBe((await listImages(images.context, { name: "app:1" }))[0]?.id);
    await tagImage(images.context, "app:2", "team/copy:latest");
    const moved = await listImages(images.context, { name: "team/copy" });
    expect(moved.map(({ id }) => id)).toEqual(
      (await listImages(images.context, { name: "app:2" })).map(({ id }) => id),
    );
  });

  test.each(["UPPER", "a@sha256:" + "0".repeat(64), "a:b:c", ""])("the tag %j is refused", async (name) => {
    await expect(tagImage(images.context, "app:1", name)).rejects.toMatchObject({ code: "BAD_REFERENCE" });
  });

  test("the tree tells which bytes only one image has", async () => {
    const trees = await listImageTree(images.context, { filters: ["reference=app:1"] });
    expect(trees).toMatchObject([
      { image: { tag: "1" }, layers: [{ layer: 1 }, { layer: 2 }], uniqueSize: 1536 },
    ]);
    expect(trees[0]?.layers[0]?.sharedWith).toContain("docker.io/library/app:2");
  });

  test("templates find docker's fields, all of them, whatever the image leaves out", async () => {
    expect(dockerView(await inspectImage(images.context, "app:1"))).toMatchObject({
      RepoTags: ["app:1"],
      RepoDigests: [expect.stringMatching(/^app@sha256:[0-9a-f]{64}$/)],
      Os: "linux",
      Architecture: "amd64",
      Author: "",
      Size: 2 * 1536,
      Config: { Env: ["A=b"], Cmd: [], ExposedPorts: { "80/tcp": {} }, Labels: { team: "red" } },
      RootFS: { Type: "layers", Layers: [expect.any(String), expect.any(String)] },
    });
  });

  test("a damaged image is left out with a warning, and the others are listed", async () => {
    const { config } = await images.add("docker.io/library/damaged:1", [["x"]]);
    rmSync(`${images.store.paths.blobs}/${hexOf(config)}`);
    expect(await list("reference=app")).toEqual(["app:2", "app:1"]);
    expect(images.warnings.splice(0)).toEqual([expect.stringContaining("damaged:1")]);
  });
});
