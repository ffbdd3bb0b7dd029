import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { exportImage } from "../../src/api/export.js";
import { writeWholeFile } from "../../src/api/write-file.js";
import { describeDirectory } from "../support/disk-tree.js";
import { hardLink, symlink, openInspected, type Inspected, type Layer } from "../support/inspected.js";
import { needsHelper, temporaryDirectory } from "../support/store.js";
import { have, isRoot, missing } from "../support/tools.js";
import { entriesOf } from "../support/trees.js";

const lower: Layer = [
  { name: "./", mode: 0o711, uid: 7, gid: 8, mtime: 1_600_000_000 },
  { name: "etc/", mode: 0o700, uid: 1, gid: 2 },
  { name: "etc/passwd", data: "root", mtime: 1_500_000_000, pax: { mtime: "1500000000.123456789" } },
  {
    name: "bin/su",
    mode: 0o4755,
    data: "s",
    pax: {
      "SCHILY.xattr.security.capability": Buffer.from("0100000200040000000000000000000000000000", "hex"),
    },
  },
  { name: "big", data: Buffer.alloc(2_500_000, "b") },
  { name: "bin/first", data: "linked", mode: 0o640 },
  hardLink("bin/second", "bin/first"),
  { name: "gone", data: "gone" },
  { name: `${"d".repeat(90)}/${"f".repeat(90)}`, data: "deep" },
  { name: Buffer.concat([Buffer.from("bytes-"), Buffer.from([0xff, 0xfe])]), data: "odd" },
  symlink("link", "l".repeat(150)),
  { name: "pipe", flag: "6" },
  { name: "empty", data: "" },
];
const upper: Layer = [
  ".wh.gone",
  hardLink("aliases/third", "bin/first"),
  { name: "zero", flag: "3", major: 1, minor: 5, mode: 0o666 },
  { name: "etc/passwd", data: "root2", uid: 3_000_000 },
];

describe.skipIf(needsHelper !== "")(`${needsHelper}export`, () => {
  let images: Inspected;
  let archive: Buffer;
  beforeAll(async () => {
    images = await openInspected();
    await images.add("docker.io/library/app:1", [lower, upper]);
    archive = await exported("app:1");
  });

  const exported = async (image: string) => {
    const pieces = [];
    for await (const piece of exportImage(images.context, image)) pieces.push(piece);
    return Buffer.concat(pieces);
  };

  test("has each name once, sorted, and data once per file", () => {
    const entries = entriesOf(archive);
    const names = entries.map((entry) => entry.path.toString("latin1"));
    expect(new Set(names).size).toBe(names.length);
    expect(names).not.toContain("gone");
    expect(names[0]).toBe("./");
    expect(entries.find(({ path }) => path.toString() === "aliases/third")).toMatchObject({
      type: "file",
      size: 6,
    });
    const links = entries.filter(({ type }) => type === "hardlink");
    expect(links.map(({ path, link }) => [path.toString(), link.toString()])).toEqual([
      ["bin/first", "aliases/third"],
      ["bin/second", "aliases/third"],
    ]);
  });

  test("keeps owners, times to the nanosecond and extended attributes", () => {
    const at = (name: string) => entriesOf(archive).find(({ path }) => path.toString() === name);
    expect(at("./")).toMatchObject({ mode: 0o711, uid: 7, gid: 8, mtime: 1_600_000_000 });
    expect(at("etc/passwd")).toMatchObject({ uid: 3_000_000, size: 5 });
    expect(at("bin/su")?.xattrs.map(({ name, value }) => [name.toString(), value.length])).toEqual([
      ["security.capability", 20],
    ]);
    expect(at("zero")).toMatchObject({ type: "char", major: 1, minor: 5 });
  });

  test("of a layer is the tree as it was after that layer", async () => {
    const early = entriesOf(await exported("app:1@1"));
    expect(early.find(({ path }) => path.toString() === "etc/passwd")).toMatchObject({
      mtimeNs: 123_456_789,
      size: 4,
    });
    expect(early.map(({ path }) => path.toString())).toContain("gone");
  });

  test("ends on a whole block after two empty ones", () => {
    expect(archive.length % 512).toBe(0);
    expect(archive.subarray(-1024).equals(Buffer.alloc(1024))).toBe(true);
  });

  test.skipIf(!isRoot || !have("tar") || !have("umoci"))(
    `${isRoot ? "" : "needs root: "}${missing("tar", "umoci")}unpacked by GNU tar it is what umoci makes of the layers`,
    async () => {
      const directory = temporaryDirectory();
      const ours = path.join(directory, "ours");
      mkdirSync(ours);
      writeFileSync(path.join(directory, "export.tar"), archive);
      execFileSync("tar", [
        "-xpf",
        path.join(directory, "export.tar"),
        "-C",
        ours,
        "--xattrs",
        "--xattrs-include=*",
        "--numeric-owner",
      ]);
      const bundle = path.join(directory, "bundle");
      execFileSync(
        "umoci",
        ["unpack", "--image", `${images.store.paths.root}:docker.io/library/app:1`, bundle],
        { stdio: "pipe" },
      );
      expect(timeless(describeDirectory(ours))).toEqual(
        timeless(describeDirectory(path.join(bundle, "rootfs"))),
      );
    },
  );

  test("to a file replaces it whole, or leaves it as it was", async () => {
    const file = path.join(temporaryDirectory(), "x.tar");
    writeFileSync(file, "before");
    const broken = async function* () {
      yield archive.subarray(0, 100);
      throw new Error("stopped");
    };
    await expect(writeWholeFile(file, broken())).rejects.toThrow("stopped");
    expect(execFileSync("ls", ["-A", path.dirname(file)], { encoding: "utf8" })).toBe("x.tar\n");
    await writeWholeFile(file, exportImage(images.context, "app:1"));
    expect(execFileSync("cat", [file], { maxBuffer: 1 << 24 }).equals(archive)).toBe(true);
  });

  test.each([
    ["/nonexistent/x.tar", "/nonexistent/x.tar: there is no directory /nonexistent"],
    ["/etc/passwd/x.tar", "/etc/passwd/x.tar: is in something that is no directory: /etc/passwd"],
    ["/proc/x.tar", "/proc/x.tar: no such file or directory"],
    ["/tmp", "/tmp: is a directory"],
    ["", "the name of the file is empty"],
  ])("to %s, which cannot be, names that and no file of ours", async (file, message) => {
    const write = writeWholeFile(file, exportImage(images.context, "app:1"));
    await expect(write).rejects.toMatchObject({ code: "STORE_IO", message: `export: ${message}` });
  });
});

/**
 * Times of directories no entry describes are ours to choose: 1970 here, now in umoci, which also does not set the
 * root's own.
 */
function timeless(lines: Map<string, string>): Map<string, string> {
  const implied = new Set(["", "aliases", "bin", "d".repeat(90)]);
  return new Map(
    [...lines].map(([name, line]) => [name, implied.has(name) ? line.replace(/ \d+\.\d+ /, " ") : line]),
  );
}
