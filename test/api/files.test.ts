import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readImageFile } from "../../src/api/cat.js";
import { listFiles } from "../../src/api/ls.js";
import { hardLink, symlink, openInspected, pathsOf, type Inspected } from "../support/inspected.js";
import { needsHelper } from "../support/store.js";

describe.skipIf(needsHelper !== "")(`${needsHelper}files of an image`, () => {
  let images: Inspected;
  const binary = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
  beforeAll(async () => {
    images = await openInspected();
    await images.add("docker.io/library/app:1", [
      [
        { name: "usr/", mode: 0o755 },
        "usr/lib/",
        { name: "usr/lib/data", data: binary },
        symlink("lib", "usr/lib"),
        symlink("abs", "/usr/lib/data"),
        symlink("up", "../../../../usr/lib/data"),
        symlink("dangling", "/nowhere"),
        symlink("loop", "loop"),
        hardLink("twin", "usr/lib/data"),
        { name: "old", data: "old" },
        { name: "gone", data: "still in layer 1" },
        { name: Buffer.from([0xff, 0x0a]), data: "odd" },
        { name: "null", flag: "3", major: 1, minor: 3 },
      ],
      [".wh.gone", { name: "old", data: "new" }, { name: "new/deep/file", data: "n" }, "usr/.wh..wh..opq"],
      [{ name: "usr/share/doc", data: "d" }],
    ]);
  });

  const ls = async (image: string, path = "/", recursive = false) => [
    ...(await listFiles(images.context, { image, path, recursive })),
  ];
  const cat = async (image: string, path: string) => {
    const pieces = [];
    for await (const piece of readImageFile(images.context, { image, path })) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  };

  test("a directory lists the merged tree, sorted by bytes, deleted names left out", async () => {
    expect((await ls("app:1")).map(({ path }) => path.toString("latin1"))).toEqual([
      "/abs",
      "/dangling",
      "/lib",
      "/loop",
      "/new",
      "/null",
      "/old",
      "/twin",
      "/up",
      "/usr",
      "/\xff\n",
    ]);
    expect(pathsOf(await ls("app:1", "/usr"))).toEqual(["/usr/share"]);
  });

  test("everything below is listed with full paths, a directory before what is in it", async () => {
    expect(pathsOf(await ls("app:1", "new", true))).toEqual(["/new/deep", "/new/deep/file"]);
  });

  test("a file lists itself with its attributes and its layer", async () => {
    expect(await ls("app:1", "/old")).toMatchObject([
      { type: "file", size: 3, layer: 2, attributes: { mode: 0o644 } },
    ]);
    expect(await ls("app:1", "/null")).toMatchObject([{ type: "char", device: { major: 1, minor: 3 } }]);
  });

  test("the second name of a file is a hard link to the first", async () => {
    await images.add("docker.io/library/twins:1", [[{ name: "a", data: "x" }, hardLink("b", "a")]]);
    const files = await ls("twins:1", "/", true);
    expect(files.map(({ type, target }) => [type, target?.toString()])).toEqual([
      ["file", undefined],
      ["hardlink", "/a"],
    ]);
  });

  test("a link to a directory is followed, and one that leads nowhere lists itself", async () => {
    await images.add("docker.io/library/links:1", [["d/", "d/x", symlink("l", "d")]]);
    expect(pathsOf(await ls("links:1", "/l"))).toEqual(["/l/x"]);
    expect(await ls("app:1", "/dangling")).toMatchObject([{ type: "symlink" }]);
  });

  test("a layer lists what its own tar says: files, deletions and directories it only implies", async () => {
    const files = await ls("app:1@2", "/", true);
    expect(files.map(({ path, type }) => `${type} ${path.toString()}`)).toEqual([
      "deleted /gone",
      "file /new/deep/file",
      "file /old",
      "opaque /usr",
    ]);
    const top = await ls("app:1@2");
    expect(top.map(({ path, type }) => `${type} ${path.toString()}`)).toEqual([
      "deleted /gone",
      "directory /new",
      "file /old",
      "opaque /usr",
    ]);
    expect(top[1]?.attributes).toBeUndefined();
  });

  test("a layer is named by its number or by the beginning of a digest", async () => {
    const { diffIds } = await images.add("docker.io/library/two:1", [["one"], ["two"]]);
    for (const layer of ["2", diffIds[1], diffIds[1]!.slice(0, 20), diffIds[1]!.slice(7, 17)]) {
      expect(pathsOf(await ls(`two:1@${layer}`))).toEqual(["/two"]);
    }
  });

  test.each(["app:1@0", "app:1@4", "app:1@00000000", `app:1@sha256:${"0".repeat(64)}`])(
    "%s names no layer, and the error says what there is",
    async (image) => {
      await expect(ls(image)).rejects.toMatchObject({
        code: "BAD_REFERENCE",
        hint: expect.stringContaining("pullrun layers"),
      });
    },
  );

  test.each(["/nothing", "/usr/lib", "/loop/x", "/old/x"])("%s is not found", async (path) => {
    await expect(ls("app:1", path)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(ls("app:1@3", "/old")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("a file's bytes come back exactly, whatever they are and however many", async () => {
    expect((await cat("app:1@1", "/usr/lib/data")).equals(binary)).toBe(true);
    expect((await cat("app:1", "/twin")).equals(binary)).toBe(true);
    expect((await cat("app:1", "/old")).toString()).toBe("new");
    expect((await cat("app:1", "/new/../old")).toString()).toBe("new");
  });

  test("links are followed inside the image only", async () => {
    await images.add("docker.io/library/escape:1", [
      [
        "etc/",
        { name: "etc/passwd", data: "ours" },
        symlink("a", "../../../../../../etc/passwd"),
        symlink("b", "/etc/passwd"),
        symlink("c", "etc"),
      ],
    ]);
    for (const path of ["/a", "/b", "/c/passwd", "../../etc/passwd"]) {
      expect((await cat("escape:1", path)).toString()).toBe("ours");
    }
  });

  test("a deleted or overwritten file can be read from the layer that has it", async () => {
    expect((await cat("app:1@1", "/gone")).toString()).toBe("still in layer 1");
    expect((await cat("app:1@1", "old")).toString()).toBe("old");
    expect((await cat("app:1@1", "/twin")).equals(binary)).toBe(true);
    await expect(cat("app:1@2", "/gone")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test.each([
    ["/usr", "is a dir"],
    ["/dangling", "is a symlink"],
    ["/null", "is a char"],
  ])("%s is refused: only regular files have data", async (path, problem) => {
    await expect(cat("app:1", path)).rejects.toThrow(problem.replace("dir", "directory"));
  });

  test("a tar or an entry table that cannot be read is a store error", async () => {
    const { diffIds } = await images.add("docker.io/library/unreadable:1", [[{ name: "f", data: "x" }]]);
    const directory = images.store.paths.layer(diffIds[0]!);
    for (const name of ["tar", "entries"]) {
      rmSync(path.join(directory, name));
      mkdirSync(path.join(directory, name));
      await expect(cat("unreadable:1", "/f")).rejects.toMatchObject({ code: "STORE_IO" });
    }
  });

  test("a tar that was cut short is reported, not read past its end", async () => {
    const { diffIds } = await images.add("docker.io/library/short:1", [
      [{ name: "f", data: "x".repeat(2000) }],
    ]);
    const { truncateSync, chmodSync } = await import("node:fs");
    const tar = `${images.store.paths.layer(diffIds[0]!)}/tar`;
    chmodSync(tar, 0o600);
    truncateSync(tar, 1000);
    await expect(cat("short:1", "/f")).rejects.toMatchObject({ code: "CORRUPT" });
  });
});
