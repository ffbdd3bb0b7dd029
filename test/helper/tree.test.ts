import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { recordsOfTar } from "../../src/api/cp/tar-records.js";
import { tarOf } from "../../src/api/cp/pack.js";
import {
  dirRecord,
  enterRecord,
  fileRecord,
  linkRecord,
  symlinkRecord,
  upRecord,
} from "../../src/helper/entry-stream.js";
import { openHelper } from "../../src/helper/process.js";
import type { Plan } from "../../src/helper/plan.js";
import { readTreeItems, type TreeItem } from "../../src/helper/tree-records.js";
import { describeDirectory } from "../support/disk-tree.js";
import { everyKind } from "../support/images.js";
import { tar } from "../support/tar.js";
import {
  cutDepth,
  cutNamesShown,
  deepDown,
  fork,
  isAdministrator,
  makeCutNames,
  sanitizedHelperPath,
  showCutNames,
  temporaryDirectory,
} from "./support.js";

const needsAdministrator = isAdministrator ? "" : "needs root: ";
const helper = openHelper(sanitizedHelperPath());
const keep = { uid: -1, gid: -1 };
const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

function within(root: string, ...steps: Plan): Plan {
  return [fork, { kind: "root-dir", path: root }, ...steps, { kind: "exit", code: 0 }];
}

async function read(root: string, path: string, options = 0): Promise<TreeItem[]> {
  const items: TreeItem[] = [];
  await helper.run(within(root, { kind: "read-tree", path, fd: 1, options }), {
    output: async (bytes) => {
      for await (const item of readTreeItems(bytes)) items.push(item);
    },
  });
  return items;
}

async function write(
  root: string,
  records: AsyncIterable<Uint8Array> | readonly Uint8Array[],
  wanted: { directory?: string; name?: string; uid?: number; gid?: number } = {},
): Promise<void> {
  const step = { kind: "write-tree", directory: "/", name: "", fd: 0, ...own, ...wanted } as const;
  await helper.run(within(root, step), { input: stream(records) });
}

async function* stream(
  records: AsyncIterable<Uint8Array> | readonly Uint8Array[],
): AsyncGenerator<Uint8Array> {
  yield* records;
}

const meta = { mode: 0o644, ...own, mtime: 1_000_000_000, mtimeNs: 5, xattrs: [] };
const directory = (name: string): Buffer => dirRecord(Buffer.from(name), { ...meta, mode: 0o755 });
const file = (name: string, data: string): Buffer =>
  Buffer.concat([
    fileRecord(Buffer.from(name), meta, { tar: 0, offset: 0, size: data.length }),
    Buffer.from(data),
  ]);

test.skipIf(needsAdministrator !== "")(
  `${needsAdministrator}what is read is what is written, with owners, modes, times, attributes and links`,
  async () => {
    const [from, to] = [temporaryDirectory(), temporaryDirectory()];
    const unpack = ["--xattrs", "--xattrs-include=*", "--numeric-owner", "-pxf", "-"];
    execFileSync("tar", unpack, { cwd: from, input: everyKind[0] });
    const reading = within(from, { kind: "read-tree", path: "/", fd: 1, options: 0 });
    const writing = within(to, { kind: "write-tree", directory: "/", name: "copy", fd: 0, ...keep });
    await helper.run(reading, {
      output: async (input) => {
        await helper.run(writing, { input });
      },
    });
    expect(describeDirectory(join(to, "copy"))).toEqual(describeDirectory(from));
  },
);

test.skipIf(needsAdministrator !== "")(
  `${needsAdministrator}a tree as a tar, and that tar as a tree, are the same again`,
  async () => {
    const [from, to] = [temporaryDirectory(), temporaryDirectory()];
    const unpack = ["--xattrs", "--xattrs-include=*", "--numeric-owner", "-pxf", "-"];
    execFileSync("tar", unpack, { cwd: from, input: everyKind[0] });
    const chunks: Buffer[] = [];
    await helper.run(within(from, { kind: "read-tree", path: "/", fd: 1, options: 0 }), {
      output: async (bytes) => {
        for await (const chunk of tarOf(readTreeItems(bytes), Buffer.from(".")))
          chunks.push(Buffer.from(chunk));
      },
    });
    await write(to, recordsOfTar(inPieces(Buffer.concat(chunks), 1000)), keep);
    // The directory that it all went into keeps its own.
    const [, ...made] = describeDirectory(to);
    const [, ...expected] = describeDirectory(from);
    expect(made).toEqual(expected);
  },
);

test("a hard link whose first name has a path beyond PATH_MAX is to that file, not to what the path is when it is cut", async () => {
  const [from, to] = [temporaryDirectory(), temporaryDirectory()];
  deepDown(from, cutDepth, makeCutNames);
  const writing = within(to, { kind: "write-tree", directory: "/", name: "", fd: 0, ...own });
  await helper.run(within(from, { kind: "read-tree", path: "/", fd: 1, options: 0 }), {
    output: async (input) => {
      await helper.run(writing, { input });
    },
  });
  expect(deepDown(to, cutDepth, showCutNames)).toBe(cutNamesShown);
});

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("read-tree", () => {
  test("of a link gives the link, and what it leads to inside the root on demand", async () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, "etc"));
    writeFileSync(join(root, "etc/secret"), "inside");
    symlinkSync("/etc/secret", join(root, "link"));
    symlinkSync("../../../../../../etc/shadow", join(root, "out"));
    expect(await read(root, "/link")).toMatchObject([
      { kind: "symlink", target: Buffer.from("/etc/secret") },
    ]);
    expect(await read(root, "/link", 1)).toMatchObject([{ kind: "file" }, { bytes: Buffer.from("inside") }]);
    await expect(read(root, "/out", 1)).rejects.toThrow(/No such file/);
  });

  test("stops at the kernel's own files", async () => {
    const items = await read("/", "/proc");
    expect(items.map(({ kind }) => kind)).toEqual(["dir", "up"]);
  });

  test("does not wait for a FIFO", async () => {
    const root = temporaryDirectory();
    execFileSync("mkfifo", [join(root, "pipe")]);
    expect(await read(root, "/pipe")).toMatchObject([{ kind: "node" }]);
    expect(await read(root, "/pipe", 1)).toMatchObject([{ kind: "node" }]);
  });

  test("alone gives what is there without its contents", async () => {
    const root = temporaryDirectory();
    writeFileSync(join(root, "file"), "long");
    const items: Buffer[] = [];
    await helper.run(within(root, { kind: "read-tree", path: "/file", fd: 1, options: 2 }), {
      output: async (bytes) => {
        for await (const chunk of bytes) items.push(chunk);
      },
    });
    expect(Buffer.concat(items).includes("long")).toBe(false);
  });
});

describe("write-tree", () => {
  test("replaces files and links, and goes into directories that are there", async () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, "d"));
    writeFileSync(join(root, "d/old"), "old");
    writeFileSync(join(root, "d/file"), "old");
    symlinkSync("/etc/passwd", join(root, "d/link"));
    await write(root, [
      directory("."),
      directory("d"),
      file("file", "new"),
      file("link", "x"),
      upRecord(),
      upRecord(),
    ]);
    expect(readdirSync(join(root, "d")).toSorted()).toEqual(["file", "link", "old"]);
    expect(readFileSync(join(root, "d/file"), "utf8")).toBe("new");
    expect(readFileSync(join(root, "d/link"), "utf8")).toBe("x");
    expect(statSync(join(root, "d")).mtimeMs).toBe(1_000_000_000_000);
  });

  test.each([
    ["a directory", [directory("."), file("d", "x"), upRecord()]],
    ["a file", [directory("."), directory("f"), upRecord(), upRecord()]],
    ["a link to a directory", [directory("."), directory("l"), upRecord(), upRecord()]],
  ])("does not put another kind of thing in the place of %s", async (_, records) => {
    const root = temporaryDirectory();
    mkdirSync(join(root, "d"));
    writeFileSync(join(root, "f"), "f");
    symlinkSync("d", join(root, "l"));
    await expect(write(root, records)).rejects.toThrow(/cannot/);
    expect(readdirSync(root).toSorted()).toEqual(["d", "f", "l"]);
  });

  test.each([
    ["a name with a slash", [directory("."), file("../x", ""), upRecord()]],
    ["a name of dots", [directory("."), file("..", ""), upRecord()]],
    ["no name", [directory("."), file("", ""), upRecord()]],
    ["a second start without an end", [directory("."), directory("a")]],
    ["more after the end", [directory("."), upRecord(), file("x", "")]],
    ["file data cut short", [directory("."), file("x", "1234").subarray(0, -2)]],
    ["nothing", []],
    ["a file for the directory itself", [file("x", "")]],
    [
      "a link to what is not there",
      [directory("."), linkRecord(Buffer.from("l"), Buffer.from("none")), upRecord()],
    ],
    [
      "a link that climbs (CVE-2019-14271 and its kind)",
      [directory("."), linkRecord(Buffer.from("l"), Buffer.from("../../etc/passwd")), upRecord()],
    ],
    [
      "a hard link through a symlink to the outside",
      [
        directory("."),
        symlinkRecord(Buffer.from("s"), meta, Buffer.from("/etc")),
        linkRecord(Buffer.from("l"), Buffer.from("s/passwd")),
        upRecord(),
      ],
    ],
  ])("refuses %s", async (_, records) => {
    const root = temporaryDirectory();
    await expect(write(root, records)).rejects.toThrow();
    expect(existsSync(join(root, "l"))).toBe(false);
  });

  test("a link on the way leads inside the root, never out of it (CVE-2018-15664)", async () => {
    const outside = temporaryDirectory();
    const root = temporaryDirectory();
    mkdirSync(join(root, "usr/lib"), { recursive: true });
    symlinkSync("usr/lib", join(root, "lib"));
    symlinkSync(outside, join(root, "out"));
    await write(root, [
      directory("."),
      enterRecord(Buffer.from("lib")),
      file("x", "x"),
      upRecord(),
      upRecord(),
    ]);
    expect(readFileSync(join(root, "usr/lib/x"), "utf8")).toBe("x");
    await write(root, [
      directory("."),
      enterRecord(Buffer.from("out")),
      file("x", "x"),
      upRecord(),
      upRecord(),
    ]);
    expect(readdirSync(outside)).toEqual([]);
    expect(readFileSync(join(root, outside, "x"), "utf8")).toBe("x");
  });

  test("a tar that climbs is refused, and one with a link to the outside writes inside", async () => {
    const outside = temporaryDirectory();
    const root = temporaryDirectory();
    const climbing = tar({ name: "a/../../x", data: "x" });
    await expect(write(root, recordsOfTar(inPieces(climbing, 512)))).rejects.toThrow(/climbs/);
    const linked = tar({ name: "l", flag: "2", link: outside }, { name: "l/x", data: "x" });
    await write(root, recordsOfTar(inPieces(linked, 512)));
    expect(readdirSync(outside)).toEqual([]);
  });
});
