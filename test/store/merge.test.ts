import { describe, expect, test } from "vitest";
import { LayerError } from "../../src/core/errors.js";
import { delta } from "../../src/store/delta.js";
import { findNode } from "../../src/store/resolve.js";
import type { TarEntrySpec } from "../support/tar.js";
import { listTree, mergeLayers, nodeAt } from "../support/trees.js";

type Layer = readonly (TarEntrySpec | string)[];

const link = (name: string, target: string): TarEntrySpec => ({ name, flag: "2", link: target });
const hard = (name: string, target: string): TarEntrySpec => ({ name, flag: "1", link: target });

describe("merging", () => {
  test.each<[string, Layer[], string[]]>([
    ["keeps what lower layers have", [["a", "d/", "d/b"], ["c"]], ["a", "c", "d/", "d/b"]],
    ["makes the parents a layer leaves out", [["a/b/c"]], ["a/", "a/b/", "a/b/c"]],
    [
      "L1: strips a leading slash, dots and double slashes",
      [["/a", "./b", ".//c//d/./e"]],
      ["a", "b", "c/", "c/d/", "c/d/e"],
    ],
    ["L1: takes back a component for each .. inside the root", [["a/../b"]], ["b"]],
    [
      "L11: tells ß, ss, and both forms of é apart",
      [["ß", "ss", "\u00e9", "e\u0301"]],
      ["e\u0301", "ss", "ß", "é"],
    ],

    ["deletes a file by its whiteout", [["a", "b"], [".wh.a"]], ["b"]],
    ["deletes a directory with all that is in it", [["d/", "d/x/", "d/x/y"], [".wh.d"]], []],
    ["deletes a link, not what it points to", [["d/", "d/x", link("l", "d")], [".wh.l"]], ["d/", "d/x"]],
    [
      "L15: takes a whiteout of any entry type",
      [
        ["a", "b", "c"],
        [{ name: ".wh.a", flag: "5" }, link(".wh.b", "x"), hard(".wh.c", "x")],
      ],
      [],
    ],
    ["ignores whiteouts of what is not there", [["a"], [".wh.b", "no/.wh.c"]], ["a"]],
    ["keeps a file made anew after its whiteout", [["a"], [".wh.a", "a"]], ["a"]],
    ["L15: keeps a file made anew before its whiteout", [["a"], ["a", ".wh.a"]], ["a"]],
    [
      "L16: empties a directory made anew after its whiteout",
      [
        ["d/", "d/old"],
        [".wh.d", "d/", "d/new"],
      ],
      ["d/", "d/new"],
    ],
    [
      "empties a directory made anew before its whiteout",
      [
        ["d/", "d/old", "d/s/", "d/s/old"],
        ["d/", "d/new", "d/s/", ".wh.d"],
      ],
      ["d/", "d/new", "d/s/"],
    ],
    [
      "keeps just the new content of a directory deleted without being announced",
      [
        ["d/", "d/old"],
        ["d/new", ".wh.d"],
      ],
      ["d/", "d/new"],
    ],
    [
      "L15: hides everything lower behind an opaque mark that comes first",
      [
        ["d/", "d/a", "d/s/", "d/s/b"],
        ["d/", "d/.wh..wh..opq", "d/c"],
      ],
      ["d/", "d/c"],
    ],
    [
      "L15: hides everything lower behind an opaque mark that comes last",
      [
        ["d/", "d/a", "d/s/", "d/s/b"],
        ["d/", "d/c", "d/s/", "d/s/n", "d/.wh..wh..opq"],
      ],
      ["d/", "d/c", "d/s/", "d/s/n"],
    ],
    [
      "L15: takes an opaque mark at the root",
      [
        ["a", "d/", "d/x"],
        ["b", ".wh..wh..opq"],
      ],
      ["b"],
    ],
    ["L16: lets a third layer put things back", [["d/", "d/a"], [".wh.d"], ["d/b"]], ["d/", "d/b"]],
    [
      "L15: skips aufs bookkeeping and what is below it",
      [["a"], [".wh..wh.plnk/", ".wh..wh.plnk/1.2", ".wh..wh.aufs", ".wh..wh.orph/"]],
      ["a"],
    ],
    [
      "does not follow a link that the same layer replaced, for a whiteout",
      [
        ["e/", "e/x", link("d", "e")],
        ["d/", "d/.wh.x"],
      ],
      ["d/", "e/", "e/x"],
    ],

    ["L8: replaces a directory by a file", [["d/", "d/x"], ["d"]], ["d"]],
    ["L8: replaces a file by a directory", [["d"], ["d/", "d/x"]], ["d/", "d/x"]],
    [
      "L8: replaces a link by a directory, not following it",
      [
        ["e/", link("d", "e")],
        ["d/", "d/x"],
      ],
      ["d/", "d/x", "e/"],
    ],
    ["replaces a directory by a link", [["d/", "d/x", "e/"], [link("d", "e")]], ["d -> e", "e/"]],

    [
      "L5: goes through a link to a directory",
      [["usr/", "usr/lib/", link("lib", "usr/lib")], ["lib/x.so"]],
      ["lib -> usr/lib", "usr/", "usr/lib/", "usr/lib/x.so"],
    ],
    [
      "L5: goes through an absolute link, inside the root",
      [["etc/", link("a", "/etc")], ["a/x"]],
      ["a -> /etc", "etc/", "etc/x"],
    ],
    [
      "goes through chains of links",
      [["c/", link("a", "b"), link("b", "/c")], ["a/x"]],
      ["a -> b", "b -> /c", "c/", "c/x"],
    ],
    [
      "makes the directory a dangling link points to",
      [[link("lib", "usr/lib")], ["lib/x"]],
      ["lib -> usr/lib", "usr/", "usr/lib/", "usr/lib/x"],
    ],
    ["deletes through a link to a directory", [["e/", "e/x", link("d", "e")], ["d/.wh.x"]], ["d -> e", "e/"]],

    ["links to a file of the same layer", [["a", hard("b", "a")]], ["a", "b =a"]],
    ["L5: links to a file of a lower layer", [["a"], [hard("b", "/a")]], ["a", "b =a"]],
    [
      "L3: links to a link, not to its target",
      [[link("a", "/etc/shadow"), hard("b", "a")]],
      ["a -> /etc/shadow", "b =a"],
    ],
    [
      "finds a link's target through links to directories",
      [["e/", "e/x", link("d", "e")], [hard("y", "d/x")]],
      ["d -> e", "e/", "e/x", "y =e/x"],
    ],
    ["lets go of a hard link whose other name is replaced", [["a", hard("b", "a")], ["a"]], ["a", "b"]],
    ["takes a file linked to itself as it is", [["a"], [hard("a", "a")]], ["a"]],
  ])("%s", (_name, layers, want) => {
    expect(listTree(mergeLayers(...layers).top)).toEqual(want);
  });

  test("L17: a directory no entry describes keeps its lower metadata", () => {
    const { top } = mergeLayers([{ name: "a/", mode: 0o700, uid: 5 }], ["a/b/c"]);
    expect(nodeAt(top, "a").attributes).toMatchObject({ mode: 0o700, uid: 5 });
    expect(nodeAt(top, "a/b").attributes).toMatchObject({ mode: 0o755, uid: 0, gid: 0, mtime: 0 });
  });

  test("a directory announced again gets the new metadata and keeps its content", () => {
    const { top } = mergeLayers([{ name: "a/", mode: 0o700 }, "a/x"], [{ name: "a/", mode: 0o1777 }]);
    expect(nodeAt(top, "a").attributes.mode).toBe(0o1777);
    expect(listTree(top)).toEqual(["a/", "a/x"]);
  });

  test("an entry for the root sets the root's metadata", () => {
    expect(mergeLayers([{ name: "./", mode: 0o711, uid: 3 }]).top.attributes).toMatchObject({
      mode: 0o711,
      uid: 3,
    });
  });

  test("lower trees are left as they were", () => {
    const { trees } = mergeLayers(
      ["d/", "d/a", "d/s/", "d/s/b"],
      ["d/c", "d/.wh.a", { name: "d/s/", mode: 0o700 }, "d/s/.wh.b"],
    );
    expect(listTree(trees[1]!)).toEqual(["d/", "d/a", "d/s/", "d/s/b"]);
    expect(nodeAt(trees[1]!, "d/s").attributes.mode).toBe(0o755);
    expect(listTree(trees[2]!)).toEqual(["d/", "d/c", "d/s/"]);
  });

  test("L14: keeps file capabilities and setuid, drops overlay's own xattrs and SELinux labels", () => {
    const pax = Object.fromEntries(
      [
        "security.capability",
        "user.x",
        "trusted.overlay.opaque",
        "user.overlay.metacopy",
        "security.selinux",
      ].map((name) => [`SCHILY.xattr.${name}`, "v"]),
    );
    const { attributes } = nodeAt(mergeLayers([{ name: "a", mode: 0o4755, pax }]).top, "a");
    expect(attributes.mode).toBe(0o4755);
    expect(attributes.xattrs.map(({ name }) => name.toString())).toEqual(["security.capability", "user.x"]);
  });

  test("entries side by side keep apart what they do not have in common", () => {
    const same = { mode: 0o640, uid: 1, gid: 2, mtime: 3 };
    const pax = { "SCHILY.xattr.user.x": "v" };
    const { top } = mergeLayers([
      { name: "a", ...same },
      { name: "b", ...same },
      { name: "c", ...same, pax },
      { name: "d", ...same },
      { name: "e", ...same, pax: { mtime: "3.5" } },
      { name: "f", ...same, mode: 0o600 },
      { name: "g", ...same, uid: 9 },
      { name: "h", ...same, gid: 9 },
    ]);
    const told = "abcdefgh".split("").map((name) => {
      const { mode, uid, gid, mtime, mtimeNs, xattrs } = nodeAt(top, name).attributes;
      return [mode.toString(8), uid, gid, mtime + mtimeNs / 1e9, xattrs.length].join(" ");
    });
    expect(told).toEqual([
      "640 1 2 3 0",
      "640 1 2 3 0",
      "640 1 2 3 1",
      "640 1 2 3 0",
      "640 1 2 3.5 0",
      "600 1 2 3 0",
      "640 9 2 3 0",
      "640 1 9 3 0",
    ]);
  });

  test("L12: a device 0:0, which overlay takes for a whiteout, is left out with a warning", () => {
    const { top, warnings } = mergeLayers(
      ["a"],
      [
        { name: "a", flag: "3" },
        { name: "null", flag: "3", major: 1, minor: 3 },
      ],
    );
    expect(listTree(top)).toEqual(["a", "null (char)"]);
    expect(warnings).toEqual(["layer 2: left out a device 0:0, which would delete a file"]);
  });
});

describe("refuses, naming layer and path", () => {
  test.each<[string, Layer[], string, string]>([
    ["L1: an entry above the root", [["../x"]], "PATH_ESCAPE", "../x"],
    ["L1: an entry above the root, deeper in its name", [["a/../../x"]], "PATH_ESCAPE", "a/../../x"],
    ["L1: an absolute entry above the root", [["/../x"]], "PATH_ESCAPE", "/../x"],
    ["L15: a whiteout above the root", [["../.wh.x"]], "PATH_ESCAPE", "../.wh.x"],
    [
      "L3: a hard link to a name above the root",
      [[hard("x", "../../etc/shadow")]],
      "PATH_ESCAPE",
      "../../etc/shadow",
    ],
    [
      "L3: a hard link to a host file that is not in the image",
      [[hard("x", "/etc/shadow")]],
      "BAD_TAR",
      "/etc/shadow",
    ],
    [
      "L3: a hard link through a link to a host file",
      [[link("h", "/etc"), hard("x", "h/shadow")]],
      "BAD_TAR",
      "h/shadow",
    ],
    ["a hard link to a directory", [["d/", hard("x", "d")]], "BAD_TAR", "directory"],
    ["a hard link to the root", [[hard("x", "/")]], "BAD_TAR", "x"],
    ["a hard link to what comes later", [[hard("x", "a"), "a"]], "BAD_TAR", "x"],
    ...["/", ".", "./."].flatMap<[string, Layer[], string, string]>((name) => [
      [`L7: a root, ${name}, that is a link`, [[link(name, "/etc")]], "BAD_TAR", "root directory"],
      [`L7: a root, ${name}, that is a hard link`, [[hard(name, "lowest")]], "BAD_TAR", "root directory"],
      [`L7: a root, ${name}, that is a pipe`, [[{ name, flag: "6" }]], "BAD_TAR", "root directory"],
    ]),
    ["L7: a root that is a file", [[{ name: ".", flag: "0" }]], "BAD_TAR", "root directory"],
    ["L1: an empty name", [[{ name: "" }]], "BAD_TAR", "root directory"],
    ["a file used as a directory", [["a"], ["a/b"]], "BAD_TAR", "a/b"],
    ["L2: a link to itself as parent", [[link("a", "a"), "a/b"]], "BAD_TAR", "loop"],
    ["L2: two links in a circle as parent", [[link("a", "b"), link("b", "a")], ["a/x"]], "BAD_TAR", "loop"],
    ["L15: a whiteout of nothing", [[".wh."]], "BAD_TAR", ".wh."],
    ["L15: a whiteout of the directory itself", [["d/.wh.."]], "BAD_TAR", "d/.wh.."],
    ["L15: a whiteout of the parent", [["d/.wh..."]], "BAD_TAR", "d/.wh..."],
    ["L1: a NUL byte in a name", [[{ name: "x", pax: { path: "a\0b" } }]], "BAD_TAR", "NUL"],
    [
      "a NUL byte in a hard link's target",
      [[hard("x", "y"), { name: "z", flag: "1", pax: { linkpath: "a\0b" } }].slice(1)],
      "BAD_TAR",
      "NUL",
    ],
    ["L1: a component over 255 bytes", [["x".repeat(256)]], "BAD_TAR", "255"],
    ["a NUL byte beside another name", [["d/a", { name: "x", pax: { path: "d/a\0b" } }]], "BAD_TAR", "NUL"],
    ["a component over 255 bytes beside another name", [["d/a", `d/${"x".repeat(256)}`]], "BAD_TAR", "255"],
    ["a whiteout of nothing beside another name", [["d/a", "d/.wh."]], "BAD_TAR", "d/.wh."],
    ["a name above the root beside another name", [["d/../a", "d/../.."]], "PATH_ESCAPE", "d/../.."],
    [
      "a name beside another that took the place of their directory",
      [[link("a", "."), "a/x", "a/a", "a/y"]],
      "BAD_TAR",
      "a/y",
    ],
    ["L1: a path over 4096 bytes", [["ab/".repeat(1667)]], "BAD_TAR", "4096"],
    ["L23: directories over 1000 deep", [["a/".repeat(1001)]], "TOO_BIG", "1000"],
    [
      "L23: directories made deeper than that through links",
      [["a/".repeat(999), link("l", "a/".repeat(999)), "l/b/c/d/"]],
      "BAD_TAR",
      "1000",
    ],
  ])("%s", (_name, layers, code, text) => {
    const error = thrown(() => mergeLayers(["lowest"], ...layers));
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(text);
    expect(error.message).toMatch(/^layer \d: /);
  });

  function thrown(action: () => unknown): LayerError {
    try {
      action();
    } catch (error) {
      expect(error).toBeInstanceOf(LayerError);
      return error as LayerError;
    }
    throw new Error("nothing was refused");
  }
});

describe("links that lead out of the root stay inside", () => {
  test.each([
    ["L2: an absolute link", link("a", "/")],
    ["L2: a link of many ..", link("a", "../../../..")],
    ["an absolute link with ..", link("a", "/../../..")],
  ])("%s", (_name, entry) => {
    expect(listTree(mergeLayers([entry, "a/etc/x"]).top)).toContain("etc/x");
  });

  test("finding a file follows links as in a chroot", () => {
    const { top } = mergeLayers([
      "usr/etc/passwd",
      link("etc", "/usr/etc"),
      link("up", "../../usr/etc/passwd"),
      link("loop", "loop"),
    ]);
    const passwd = nodeAt(top, "usr/etc/passwd");
    expect(findNode(top, "/etc/passwd")).toBe(passwd);
    expect(findNode(top, "/up")).toBe(passwd);
    expect(findNode(top, "/loop")).toBeUndefined();
    expect(findNode(top, "/usr/none")).toBeUndefined();
  });
});

describe("the overlay layer between two trees", () => {
  test.each<[string, Layer[], string[]]>([
    ["holds nothing for an empty layer", [["a", "d/", "d/x"], []], []],
    [
      "holds new files and the directories above them",
      [["d/", "d/s/", "d/s/a", "e/"], ["d/s/b"]],
      ["d/", "d/s/", "d/s/b"],
    ],
    ["holds whiteouts for deleted names", [["d/", "d/a", "d/b"], ["d/.wh.a"]], ["d/", "d/a !"]],
    [
      "holds a whiteout for each name behind an opaque mark",
      [
        ["d/", "d/a", "d/s/", "d/s/x"],
        ["d/.wh..wh..opq", "d/n"],
      ],
      ["d/", "d/a !", "d/n", "d/s !"],
    ],
    [
      "holds whiteouts below a directory that was made anew",
      [
        ["d/", "d/a", "d/s/", "d/s/x", "d/s/y"],
        [".wh.d", "d/", "d/s/", "d/s/y"],
      ],
      ["d/", "d/a !", "d/s/", "d/s/x !", "d/s/y"],
    ],
    ["holds no whiteouts where a file became a directory", [["d"], ["d/", "d/x"]], ["d/", "d/x"]],
    ["holds just the file where a directory became one", [["d/", "d/x"], ["d"]], ["d"]],
    ["holds a directory whose metadata changed", [["d/", "d/x"], [{ name: "d/", mode: 0o700 }]], ["d/"]],
    [
      "holds all names of an inode that got another one",
      [["a", "d/", "d/x", hard("b", "d/x")], [hard("c", "b")]],
      ["b", "c =b", "d/", "d/x =b"],
    ],
    ["holds one name of an inode that lost the other", [["a", hard("b", "a")], ["a"]], ["a"]],
    ["says nothing of deleting what was never there", [["d/"], ["d/.wh.x"]], []],
  ])("%s", (_name, layers, want) => {
    const { trees } = mergeLayers(...layers);
    expect(listTree(delta(trees.at(-2)!, trees.at(-1)!))).toEqual(want);
  });

  test("directories above a change have their final metadata", () => {
    const { trees, top } = mergeLayers([{ name: "d/", mode: 0o700, uid: 7, mtime: 5 }], ["d/x"]);
    expect(nodeAt(delta(trees[1]!, top), "d").attributes).toMatchObject({ mode: 0o700, uid: 7, mtime: 5 });
  });
});
