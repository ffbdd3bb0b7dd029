import { beforeAll, describe, expect, test } from "vitest";
import { imageHistory } from "../../src/api/history.js";
import { listLayers } from "../../src/api/layers.js";
import { openInspected, type Inspected } from "../support/inspected.js";
import { needsHelper } from "../support/store.js";

const step = (created_by: string, empty_layer = false) => ({
  created_by,
  empty_layer,
  created: "2024-01-02T03:04:05Z",
});

describe.skipIf(needsHelper !== "")(`${needsHelper}history and layers`, () => {
  let images: Inspected;
  beforeAll(async () => {
    images = await openInspected();
    await images.add(
      "docker.io/library/app:1",
      [["etc/", "etc/passwd"], [{ name: "bin/app", data: "x".repeat(5000) }]],
      {
        history: [step("ADD rootfs"), step("ENV A=b", true), step("COPY app /bin")],
      },
    );
    await images.add("docker.io/library/other:1", [["etc/", "etc/passwd"], ["bin/other"]]);
  });

  const rowsOf = async (history: unknown, layers = 2) => {
    const name = `docker.io/library/history:${Math.random().toString(36).slice(2)}`;
    const entries = Array.from({ length: layers }, (_, i) => [`file-${i}`]);
    await images.add(name, entries, { history });
    return imageHistory(images.context, name);
  };

  test("steps stand newest first, each with the layer it made", async () => {
    const { rows, consistent } = await imageHistory(images.context, "app:1");
    expect(consistent).toBe(true);
    expect(rows.map(({ createdBy, layer }) => [createdBy, layer])).toEqual([
      ["COPY app /bin", 2],
      ["ENV A=b", undefined],
      ["ADD rootfs", 1],
    ]);
    expect(rows.map(({ size }) => size)).toEqual([512 + 5120 + 1024, 0, 2 * 512 + 1024]);
    expect(rows.map(({ id }) => id?.slice(0, 7))).toEqual(["sha256:", undefined, undefined]);
  });

  test("without a history each layer is a row of its own", async () => {
    const { rows, consistent } = await rowsOf(undefined);
    expect(consistent).toBe(false);
    expect(rows.map(({ layer, createdBy }) => [layer, createdBy])).toEqual([
      [2, undefined],
      [1, undefined],
    ]);
    expect(images.warnings).toEqual([]);
  });

  test("a history of too few, too many or no layers gives no step a size, and says so", async () => {
    const { rows, consistent } = await rowsOf([step("one"), step("two"), step("three"), step("none", true)]);
    expect(consistent).toBe(false);
    expect(rows.map(({ createdBy, layer, size }) => [createdBy ?? layer, size])).toEqual([
      ["none", 0],
      ["three", undefined],
      ["two", undefined],
      ["one", undefined],
      [2, 1536],
      [1, 1536],
    ]);
    expect(images.warnings.splice(0)).toEqual([expect.stringContaining("does not match its layers")]);
  });

  test("a layer that occurs twice is listed twice", async () => {
    await images.add("docker.io/library/twice:1", [["a"], ["a"]], { history: [step("one"), step("two")] });
    const layers = await listLayers(images.context, "twice:1");
    expect(layers.map(({ layer, createdBy, sharedWith }) => [layer, createdBy, sharedWith])).toEqual([
      [1, "one", []],
      [2, "two", []],
    ]);
  });

  test("a layer has its digests, sizes, files and the other images that share it", async () => {
    const [bottom, top] = await listLayers(images.context, "app:1");
    expect(bottom).toMatchObject({
      layer: 1,
      size: 2048,
      entries: 2,
      files: 1,
      fileBytes: 0,
      compressedStored: true,
      sharedWith: ["docker.io/library/other:1"],
      createdBy: "ADD rootfs",
    });
    expect(top).toMatchObject({ layer: 2, files: 1, fileBytes: 5000, sharedWith: [] });
    expect(bottom?.digest).not.toBe(bottom?.diffId);
  });

  test("an image that is not there is an error that says how to list what is", async () => {
    await expect(listLayers(images.context, "absent")).rejects.toMatchObject({
      code: "NOT_FOUND",
      hint: expect.stringContaining("pullrun images"),
    });
  });
});
