import { execFileSync, spawnSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fileTypes } from "../../src/helper/constants.js";
import {
  dirRecord,
  fileRecord,
  linkRecord,
  nodeRecord,
  rootRecord,
  symlinkRecord,
  upRecord,
} from "../../src/helper/entry-stream.js";
import {
  createEntries,
  entryMeta,
  helperBuilds,
  isAdministrator,
  isRoot,
  needsOwnFiles,
  temporaryDirectory,
} from "./support.js";

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const root = rootRecord(entryMeta(0o755));
const up = upRecord();
const empty = { tar: 0, offset: 0, size: 0 };
const hasPython = spawnSync("python3", ["--version"]).status === 0;
const needs = await needsOwnFiles();

describe.skipIf(needs !== "").each(helperBuilds())(`${needs}%s`, (_, path) => {
  async function create(records: readonly Uint8Array[], tar: Uint8Array = Buffer.alloc(0)): Promise<string> {
    const target = temporaryDirectory();
    await createIn(target, records, tar);
    return target;
  }

  async function createIn(target: string, records: readonly Uint8Array[], tar: Uint8Array): Promise<void> {
    async function* input(): AsyncGenerator<Uint8Array> {
      yield* records;
    }
    await createEntries(path, target, { input: input(), tar });
  }

  test("creates files, directories, symlinks and hard links", async () => {
    const tar = Buffer.from("....hello, world....");
    const target = await create(
      [
        root,
        dirRecord(bytes("a"), entryMeta(0o750)),
        fileRecord(bytes("hello"), entryMeta(0o640), { tar: 0, offset: 4, size: 12 }),
        dirRecord(bytes("b"), entryMeta(0o711)),
        linkRecord(bytes("again"), bytes("a/hello")),
        up,
        up,
        symlinkRecord(bytes("link"), entryMeta(0o777), bytes("/etc/passwd")),
        linkRecord(bytes("top"), bytes("link")),
        up,
      ],
      tar,
    );
    expect(readFileSync(join(target, "a/hello"), "utf8")).toBe("hello, world");
    expect(lstatSync(join(target, "a/b/again")).ino).toBe(lstatSync(join(target, "a/hello")).ino);
    expect(readlinkSync(join(target, "link"))).toBe("/etc/passwd");
    expect(lstatSync(join(target, "top")).isSymbolicLink()).toBe(true);
    const modes = ["a", "a/hello", "a/b"].map((name) => lstatSync(join(target, name)).mode & 0o7777);
    expect(modes).toEqual([0o750, 0o640, 0o711]);
  });

  test("L18: keeps nanoseconds and times before 1970, of directories and symlinks too", async () => {
    const target = await create([
      root,
      dirRecord(bytes("d"), entryMeta(0o755, { mtime: -1, mtimeNs: 999_999_999 })),
      fileRecord(bytes("f"), entryMeta(0o644, { mtime: 4_300_000_000, mtimeNs: 123_456_789 }), empty),
      up,
      symlinkRecord(bytes("l"), entryMeta(0o777, { mtime: -2_000_000_000, mtimeNs: 1 }), bytes("x")),
      up,
    ]);
    const times = ["d", "d/f", "l", "."].map(
      (name) => lstatSync(join(target, name), { bigint: true }).mtimeNs,
    );
    expect(times).toEqual([
      -1n,
      4_300_000_000_123_456_789n,
      -1_999_999_999_999_999_999n,
      1_000_000_000_000_000_000n,
    ]);
  });

  test("keeps names and link targets that are not UTF-8", async () => {
    const name = Buffer.from([0xff, 0x20, 0x0a, 0x80]);
    const target = await create([root, symlinkRecord(name, entryMeta(0o777), Buffer.from([0xfe, 0x2f])), up]);
    expect(readdirSync(target, { encoding: "buffer" })).toEqual([name]);
    const made = Buffer.concat([Buffer.from(`${target}/`), name]);
    expect(readlinkSync(made, { encoding: "buffer" })).toEqual(Buffer.from([0xfe, 0x2f]));
  });

  test("makes directories read-only only after filling them, 1000 deep", async () => {
    const depth = 1000;
    const target = await create([
      root,
      ...Array.from({ length: depth }, () => dirRecord(bytes("d"), entryMeta(0o555))),
      fileRecord(bytes("f"), entryMeta(0o444), empty),
      ...Array.from({ length: depth + 1 }, () => up),
    ]);
    expect(lstatSync(join(target, "d/".repeat(depth), "f")).mode & 0o7777).toBe(0o444);
  });

  test.each([1, 511, 128 * 1024, 128 * 1024 + 1, 5_000_000])("copies files of %d bytes", async (size) => {
    const tar = Buffer.from(Array.from({ length: size + 1024 }, (_unused, index) => (index * 7) % 251));
    const target = await create(
      [root, fileRecord(bytes("f"), entryMeta(0o644), { tar: 0, offset: 513, size }), up],
      tar,
    );
    expect(readFileSync(join(target, "f")).equals(tar.subarray(513, 513 + size))).toBe(true);
  });

  test.skipIf(!isAdministrator || !hasPython)(
    "needs root with CAP_SYS_ADMIN and python3: keeps owners, setuid bits, devices and attributes",
    async () => {
      const capability = Buffer.from("0100000200040000000000000000000000000000", "hex");
      const xattrs = [
        { name: bytes("security.capability"), value: capability },
        { name: bytes("user.binary"), value: Buffer.from([0, 255, 0]) },
      ];
      const trusted = [{ name: bytes("trusted.note"), value: bytes("link") }];
      const target = await create(
        [
          root,
          fileRecord(bytes("ping"), entryMeta(0o4755, { uid: 70_000, gid: 7, xattrs }), {
            tar: 0,
            offset: 0,
            size: 3,
          }),
          dirRecord(bytes("tmp"), entryMeta(0o3777, { gid: 9, xattrs: xattrs.slice(1) })),
          up,
          nodeRecord(bytes("zero"), entryMeta(fileTypes.S_IFCHR | 0o666, { gid: 5 }), { major: 1, minor: 5 }),
          nodeRecord(bytes("sda"), entryMeta(fileTypes.S_IFBLK | 0o4660), { major: 259, minor: 70_000 }),
          nodeRecord(bytes("whiteout"), entryMeta(fileTypes.S_IFCHR), { major: 0, minor: 0 }),
          nodeRecord(bytes("pipe"), entryMeta(fileTypes.S_IFIFO | 0o622), { major: 0, minor: 0 }),
          symlinkRecord(
            bytes("link"),
            entryMeta(0o777, { uid: 3, gid: 4, xattrs: trusted }),
            bytes("/nowhere"),
          ),
          up,
        ],
        bytes("abc"),
      );
      const listing = execFileSync(
        "stat",
        ["-c", "%n %f %u:%g %t:%T", "ping", "tmp", "zero", "sda", "whiteout", "pipe", "link"],
        {
          cwd: target,
          encoding: "utf8",
        },
      );
      expect(listing.trim().split("\n")).toEqual([
        "ping 89ed 70000:7 0:0",
        "tmp 47ff 0:9 0:0",
        "zero 21b6 0:5 1:5",
        "sda 69b0 0:0 103:11170",
        "whiteout 2000 0:0 0:0",
        "pipe 1192 0:0 0:0",
        "link a1ff 3:4 0:0",
      ]);
      expect(attributes(join(target, "ping"))).toEqual(
        new Map([
          ["security.capability", capability.toString("hex")],
          ["user.binary", "00ff00"],
        ]),
      );
      expect(attributes(join(target, "tmp"))).toEqual(new Map([["user.binary", "00ff00"]]));
      expect(attributes(join(target, "link"))).toEqual(
        new Map([["trusted.note", bytes("link").toString("hex")]]),
      );
    },
  );

  test.skipIf(!isRoot)("needs root: leaves owners alone when asked to", async () => {
    const target = temporaryDirectory();
    const keep = entryMeta(0o600, { uid: 0xffff_ffff, gid: 0xffff_ffff });
    await createIn(target, [root, fileRecord(bytes("f"), keep, empty), up], Buffer.alloc(0));
    expect(lstatSync(join(target, "f"))).toMatchObject({ uid: 0, gid: 0 });
  });

  test.each([
    ["..", bytes("..")],
    [".", bytes(".")],
    ["nothing", bytes("")],
    ["a path", bytes("a/b")],
    ["an absolute path", bytes("/etc/pullrun-canary")],
    ["a path out", bytes("../canary")],
    ["a NUL", bytes("a\0b")],
    ["256 bytes", Buffer.alloc(256, "a")],
  ])("L1: refuses a name that is %s, for every kind of entry", async (_name, name) => {
    const entries = [
      fileRecord(name, entryMeta(0o644), empty),
      dirRecord(name, entryMeta(0o755)),
      symlinkRecord(name, entryMeta(0o777), bytes("/")),
      nodeRecord(name, entryMeta(fileTypes.S_IFIFO | 0o644), { major: 0, minor: 0 }),
      linkRecord(name, bytes("f")),
    ];
    for (const entry of entries) {
      const outer = temporaryDirectory();
      const target = join(outer, "root");
      mkdirSync(target);
      const file = fileRecord(bytes("f"), entryMeta(0o644), empty);
      await expect(createIn(target, [root, file, entry, up, up], Buffer.alloc(0))).rejects.toMatchObject({
        code: "HELPER_FAILED",
        info: { details: { kind: "create-entries" } },
      });
      expect(readdirSync(outer)).toEqual(["root"]);
      expect(readdirSync(target)).toEqual(["f"]);
    }
  });

  test("L2: refuses to write through a symlink made by the same stream: THE HOST FILE WOULD CHANGE", async () => {
    const outside = temporaryDirectory();
    writeFileSync(join(outside, "canary"), "alive");
    const link = symlinkRecord(bytes("x"), entryMeta(0o777), Buffer.from(join(outside, "canary")));
    const linkToDirectory = symlinkRecord(bytes("x"), entryMeta(0o777), Buffer.from(outside));
    await expect(create([root, link, fileRecord(bytes("x"), entryMeta(0o644), empty), up])).rejects.toThrow(
      "cannot create file: /x: File exists",
    );
    await expect(
      create([root, linkToDirectory, dirRecord(bytes("x"), entryMeta(0o755)), up, up]),
    ).rejects.toThrow("cannot make directory: /x: File exists");
    expect(readFileSync(join(outside, "canary"), "utf8")).toBe("alive");
    expect(readdirSync(outside)).toEqual(["canary"]);
  });

  test.each([
    ["the host, absolutely", "/etc/passwd", /Invalid cross-device link|No such file/],
    ["the host, upwards", "../canary", /Invalid cross-device link|No such file/],
    ["the host, through a symlink made before", "out/canary", /Too many levels|Not a directory/],
    ["the root itself", "..", /not a file/],
    ["a directory", "d", /not permitted/],
    ["nothing", "", /not a file/],
    ["something that is not there", "later", /No such file/],
  ])("L3: refuses a hard link to %s", async (_name, to, message) => {
    const outer = temporaryDirectory();
    const target = join(outer, "root");
    mkdirSync(target);
    writeFileSync(join(outer, "canary"), "alive");
    const records = [
      root,
      symlinkRecord(bytes("out"), entryMeta(0o777), Buffer.from(outer)),
      dirRecord(bytes("d"), entryMeta(0o755)),
      up,
      linkRecord(bytes("link"), bytes(to)),
      up,
    ];
    await expect(createIn(target, records, Buffer.alloc(0))).rejects.toThrow(message);
    expect(lstatSync(join(outer, "canary")).nlink).toBe(1);
    expect(readdirSync(target).sort()).toEqual(["d", "out"]);
  });

  test.each([
    ["is empty", []],
    ["does not begin with the root", [dirRecord(bytes("a"), entryMeta(0o755)), up]],
    ["has a second root", [root, root, up, up]],
    ["ends inside a directory", [root, dirRecord(bytes("a"), entryMeta(0o755)), up]],
    ["ends inside a record", [root, up.subarray(0, 20)]],
    ["ends inside a length", [root, Buffer.from([1, 0])]],
    ["goes on after its end", [root, up, up]],
    ["has a record of 4 GiB", [root, Buffer.from("ffffffff00", "hex")]],
    ["has an unknown operation", [root, withByte(up, 4, 8)]],
    ["has a name longer than its record", [root, withByte(up, 6, 200), up]],
    ["has more attributes than it has room for", [withByte(root, 36, 3), up]],
    [
      "takes data from a tar that is not there",
      [root, fileRecord(bytes("f"), entryMeta(0o644), { ...empty, tar: 1 }), up],
    ],
    [
      "takes data from beyond the tar",
      [root, fileRecord(bytes("f"), entryMeta(0o644), { tar: 0, offset: 9, size: 9 }), up],
    ],
    [
      "takes a lot of it",
      [root, fileRecord(bytes("f"), entryMeta(0o644), { tar: 0, offset: 0, size: 1 << 20 }), up],
    ],
    [
      "takes data from beyond all files",
      [root, withByte(fileRecord(bytes("f"), entryMeta(0o644), empty), 47, 255), up],
    ],
  ])("refuses a stream that %s", async (_name, records) => {
    await expect(create(records, Buffer.alloc(10))).rejects.toMatchObject({
      code: "HELPER_FAILED",
      info: { details: { kind: "create-entries", exitStatus: 125 } },
    });
  });

  test("names the entry it failed at", async () => {
    const file = fileRecord(bytes("twice"), entryMeta(0o644), empty);
    const records = [
      root,
      dirRecord(bytes("a"), entryMeta(0o755)),
      dirRecord(bytes("b"), entryMeta(0o755)),
      file,
      file,
    ];
    await expect(create([...records, up, up, up])).rejects.toMatchObject({
      message: "cannot create file: /a/b/twice: File exists",
      info: { details: { object: "/a/b/twice", errno: "EEXIST" } },
    });
  });

  test("does not take a symlink for the root directory", async () => {
    const outer = temporaryDirectory();
    symlinkSync("/tmp", join(outer, "root"));
    await expect(createIn(join(outer, "root"), [root, up], Buffer.alloc(0))).rejects.toThrow(
      "cannot open the root directory",
    );
  });
});

function withByte(record: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(record);
  copy[at] = value;
  return copy;
}

/** All attributes by name, values in hex; read by Python, which has them in its standard library. */
function attributes(path: string): Map<string, string> {
  const script =
    "import os,sys\nfor n in os.listxattr(sys.argv[1],follow_symlinks=False):" +
    "print(n,os.getxattr(sys.argv[1],n,follow_symlinks=False).hex())";
  const { stdout } = spawnSync("python3", ["-c", script, path], { encoding: "utf8" });
  return new Map(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" ") as [string, string]),
  );
}
