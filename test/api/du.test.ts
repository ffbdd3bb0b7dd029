import { beforeAll, describe, expect, test } from "vitest";
import { imageUsage } from "../../src/api/du.js";
import { hardLink, openInspected, type Inspected, type Layer } from "../support/inspected.js";
import { needsHelper } from "../support/store.js";

const file = (name: string, bytes: number) => ({ name, data: "x".repeat(bytes) });

describe.skipIf(needsHelper !== "")(`${needsHelper}du`, () => {
  let images: Inspected;
  let count = 0;
  beforeAll(async () => {
    images = await openInspected();
  });

  const du = async (layers: Layer[], { path = "/", depth = 1 } = {}) => {
    const image = `docker.io/library/du:${++count}`;
    await images.add(image, layers);
    return imageUsage(images.context, { image, path, depth });
  };

  test("an image that wastes nothing has efficiency 1, also without any data", async () => {
    expect(await du([[file("a", 10)], [file("b", 5)]])).toMatchObject({
      efficiency: 1,
      wastedBytes: 0,
      totalBytes: 15,
    });
    expect(await du([["d/"]])).toMatchObject({ efficiency: 1, totalBytes: 0 });
  });

  test("overwritten and deleted files are waste of the layer that holds them", async () => {
    const usage = await du([
      [file("over", 60), file("deleted", 30), "d/", file("d/in", 10)],
      [file("over", 70), ".wh.deleted", "d/.wh..wh..opq"],
    ]);
    expect(usage).toMatchObject({ totalBytes: 170, wastedBytes: 100, efficiency: 70 / 170 });
    expect(usage.wasted.map(({ path, layer, bytes, fate }) => [path.toString(), layer, bytes, fate])).toEqual(
      [
        ["/over", 1, 60, "overwritten"],
        ["/deleted", 1, 30, "deleted"],
        ["/d/in", 1, 10, "deleted"],
      ],
    );
    expect(usage.layers.map(({ bytes, wastedBytes, files }) => [bytes, wastedBytes, files])).toEqual([
      [100, 100, 3],
      [70, 0, 1],
    ]);
  });

  test("a file written twice in one layer is waste, and one that still has another name is not", async () => {
    expect((await du([[file("a", 4), file("a", 6)]])).wastedBytes).toBe(4);
    const kept = await du([[file("a", 8), hardLink("b", "a")], [".wh.a"]]);
    expect(kept).toMatchObject({ wastedBytes: 0, totalBytes: 8 });
  });

  test("directories count what is below them, hard-linked data once, down to the depth asked for", async () => {
    const layer = [
      file("usr/bin/a", 100),
      file("usr/lib/x/b", 50),
      hardLink("usr/bin/c", "usr/bin/a"),
      file("etc/d", 1),
    ];
    const shown = ({ directories }: Awaited<ReturnType<typeof du>>) =>
      directories.map(({ path, bytes, files }) => [path.toString(), bytes, files]);
    expect(shown(await du([layer]))).toEqual([
      ["/", 151, 4],
      ["/usr", 150, 3],
      ["/etc", 1, 1],
    ]);
    expect(shown(await du([layer], { path: "/usr", depth: 1 }))).toEqual([
      ["/usr", 150, 3],
      ["/usr/bin", 100, 2],
      ["/usr/lib", 50, 1],
    ]);
    expect(shown(await du([layer], { depth: 0 }))).toEqual([["/", 151, 4]]);
  });

  test("the usage below a file is an error", async () => {
    await expect(du([["a"]], { path: "/a" })).rejects.toThrow("expected a directory");
  });
});
