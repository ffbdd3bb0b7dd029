import { beforeAll, describe, expect, test } from "vitest";
import { diffImages } from "../../src/api/diff.js";
import { openInspected, type Inspected, type Layer } from "../support/inspected.js";
import { needsHelper } from "../support/store.js";

describe.skipIf(needsHelper !== "")(`${needsHelper}diff`, () => {
  let images: Inspected;
  let count = 0;
  beforeAll(async () => {
    images = await openInspected();
  });

  const add = async (...layers: Layer[]) => {
    const name = `docker.io/library/diff:${++count}`;
    await images.add(name, layers);
    return name;
  };
  const diff = async (before: string, after: string) =>
    (await diffImages(images.context, before, after)).map(({ path, change, what, before: b, after: a }) =>
      [
        change,
        path.toString(),
        ...what,
        ...(b === undefined ? [] : [b]),
        ...(a === undefined ? [] : [a]),
      ].join(" "),
    );

  test("two images differ by what is added, changed and removed", async () => {
    const before = await add([
      "d/",
      { name: "d/same", data: "s" },
      { name: "grows", data: "a" },
      "gone/",
      { name: "gone/x", data: "xx" },
    ]);
    const after = await add(
      ["d/", { name: "d/same", data: "s" }, { name: "grows", data: "abc" }],
      [{ name: "new/y", data: "y" }],
    );
    expect(await diff(before, after)).toEqual([
      "removed /gone 0",
      "removed /gone/x 2",
      "changed /grows content 1 3",
      "added /new 0",
      "added /new/y 1",
    ]);
  });

  test("data of a file with several names counts once", async () => {
    const names = [
      { name: "a", data: "xyz" },
      { name: "b", flag: "1", link: "a" },
      { name: "c", flag: "1", link: "a" },
    ];
    const [none, some] = [await add(["d/"]), await add(["d/"], names)];
    expect(await diff(none, some)).toEqual(["added /a 3", "added /b 0", "added /c 0"]);
    expect(await diff(some, none)).toEqual(["removed /a 3", "removed /b 0", "removed /c 0"]);
    const types = (await diffImages(images.context, none, some)).map(({ type }) => type);
    expect(types).toEqual(["file", "hardlink", "hardlink"]);
  });

  test.each([
    ["content of equal size", { data: "abc" }, { data: "abd" }, "content"],
    ["the mode", { mode: 0o644 }, { mode: 0o4755 }, "mode"],
    ["the owner", { uid: 1 }, { uid: 2 }, "owner"],
    ["the group", { gid: 1 }, { gid: 2 }, "owner"],
    ["an extended attribute", {}, { pax: { "SCHILY.xattr.user.a": "b" } }, "xattrs"],
    ["a link's target", { flag: "2", link: "a" }, { flag: "2", link: "b" }, "target"],
    ["a device number", { flag: "3", major: 1, minor: 3 }, { flag: "3", major: 1, minor: 5 }, "device"],
    ["the type", { data: "x" }, { flag: "2", link: "b" }, "type"],
  ])("a change of %s is seen", async (_, before, after, what) => {
    const changes = await diffImages(
      images.context,
      await add([{ name: "f", ...before }]),
      await add([{ name: "f", ...after }]),
    );
    expect(changes).toMatchObject([{ change: "changed", what: [what] }]);
  });

  test("other times, another order of entries and the same file in another layer are no difference", async () => {
    const before = await add([
      { name: "a", data: "1", mtime: 5 },
      { name: "b", data: "2" },
    ]);
    const after = await add([{ name: "b", data: "2" }], [{ name: "a", data: "1", mtime: 9 }]);
    expect(await diff(before, after)).toEqual([]);
  });

  test("a directory that became a file takes what was in it along", async () => {
    expect(await diff(await add(["d/", "d/x"]), await add(["d"]))).toEqual([
      "changed /d type 0 0",
      "removed /d/x 0",
    ]);
  });

  test("two layers of one image differ by what the layers between do", async () => {
    const name = await add(["a", "keep/", "keep/x"], [".wh.a", "b"], [{ name: "c", data: "ccc" }]);
    expect(await diff(`${name}@1`, `${name}@2`)).toEqual(["removed /a 0", "added /b 0"]);
    expect(await diff(`${name}@3`, `${name}@2`)).toEqual(["removed /c 3"]);
    expect(await diff(`${name}@2`, name)).toEqual(["added /c 3"]);
    expect(await diff(name, name)).toEqual([]);
  });
});
