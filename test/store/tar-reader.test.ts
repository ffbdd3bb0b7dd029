import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync, linkSync, mkdirSync, chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { create } from "tar";
import { describe, expect, test } from "vitest";
import { LayerError } from "../../src/core/errors.js";
import type { LayerEntry } from "../../src/store/entry.js";
import { createTarReader } from "../../src/store/tar-reader.js";
import { paxHeader, rawMeta, tar, tarEntry, type TarEntrySpec } from "../support/tar.js";
import { missing } from "../support/tools.js";

function read(archive: Buffer, pieceBytes = archive.length): LayerEntry[] {
  const entries: LayerEntry[] = [];
  const reader = createTarReader({
    what: "layer x",
    maxEntries: 1000,
    onEntry: (entry) => entries.push(entry),
  });
  for (let at = 0; at < archive.length; at += pieceBytes) reader.write(archive.subarray(at, at + pieceBytes));
  reader.end();
  return entries;
}

function only(...specs: (TarEntrySpec | Buffer)[]): LayerEntry {
  const [entry, ...rest] = read(tar(...specs));
  expect(rest).toEqual([]);
  return entry!;
}

function failure(archive: Buffer): LayerError {
  try {
    read(archive);
  } catch (error) {
    expect(error).toBeInstanceOf(LayerError);
    return error as LayerError;
  }
  throw new Error("the archive was accepted");
}

function base256(value: bigint, bytes: number): Buffer {
  const field = Buffer.alloc(bytes);
  let rest = BigInt.asUintN(bytes * 8, value);
  for (let i = bytes - 1; i >= 0; i--, rest >>= 8n) field[i] = Number(rest & 0xffn);
  field[0]! |= 0x80;
  return field;
}

describe("reads", () => {
  test.each<[string, (TarEntrySpec | Buffer)[], Partial<LayerEntry>]>([
    ["a regular file", [{ name: "a", data: "hello" }], { type: "file", size: 5, offset: 512 }],
    [
      "L21: an old regular file (flag NUL)",
      [{ name: "a", flag: "\0", data: "x" }],
      { type: "file", size: 1 },
    ],
    ["a contiguous file as a regular one", [{ name: "a", flag: "7", data: "x" }], { type: "file", size: 1 }],
    [
      "L21: a v7 directory, marked by its slash alone",
      [{ name: "d/", flag: "\0", magic: "" }],
      { type: "directory" },
    ],
    [
      "a directory that states a size, as empty",
      [{ name: "d/", size: 4096 }],
      { type: "directory", size: 0 },
    ],
    ["setuid, setgid and sticky bits", [{ name: "a", mode: 0o106755 }], { mode: 0o6755 }],
    ["a hard link", [{ name: "b", flag: "1", link: "a" }], { type: "hardlink", link: Buffer.from("a") }],
    ["a symbolic link", [{ name: "b", flag: "2", link: "/x" }], { type: "symlink", link: Buffer.from("/x") }],
    [
      "a character device",
      [{ name: "n", flag: "3", major: 1, minor: 3 }],
      { type: "char", major: 1, minor: 3 },
    ],
    ["a block device", [{ name: "n", flag: "4", major: 8, minor: 1 }], { type: "block", major: 8, minor: 1 }],
    ["a fifo", [{ name: "p", flag: "6" }], { type: "fifo" }],
    ["a ustar prefix", [{ name: "b", prefix: "a" }], { path: Buffer.from("a/b") }],
    [
      "L21: no prefix in a GNU header",
      [{ name: "b", prefix: "a", magic: "ustar  \0" }],
      { path: Buffer.from("b") },
    ],
    ["a name of exactly 100 bytes", [{ name: "n".repeat(100) }], { path: Buffer.from("n".repeat(100)) }],
    [
      "L21: a GNU long name and link",
      [{ name: "n".repeat(300), flag: "2", link: "l".repeat(200) }],
      { path: Buffer.from("n".repeat(300)), link: Buffer.from("l".repeat(200)) },
    ],
    [
      "L20: a name that is not UTF-8",
      [{ name: Buffer.from([0x62, 0xff, 0xfe]) }],
      { path: Buffer.from([0x62, 0xff, 0xfe]) },
    ],
    [
      "L20: pax path, linkpath and owners",
      [{ name: "x", flag: "2", pax: { path: "long/ß", linkpath: "to\nthere", uid: "4000000000", gid: "7" } }],
      { path: Buffer.from("long/ß"), link: Buffer.from("to\nthere"), uid: 4_000_000_000, gid: 7 },
    ],
    [
      "L20: a pax size",
      [{ name: "a", size: 0, pax: { size: "5" }, data: "hello" }],
      { size: 5, offset: 1536 },
    ],
    [
      "L18: a pax time with nanoseconds",
      [{ name: "a", pax: { mtime: "1.123456789987" } }],
      { mtime: 1, mtimeNs: 123_456_789 },
    ],
    [
      "L18: a pax time before 1970",
      [{ name: "a", pax: { mtime: "-1.25" } }],
      { mtime: -2, mtimeNs: 750_000_000 },
    ],
    [
      "L18: a base-256 time before 1970",
      [{ name: "a", patch: (h) => base256(-5n, 12).copy(h, 136) }],
      { mtime: -5 },
    ],
    [
      "L21: a base-256 owner",
      [{ name: "a", patch: (h) => base256(3_000_000_000n, 8).copy(h, 108) }],
      { uid: 3_000_000_000 },
    ],
    [
      "L20: global pax records, which local ones override",
      [paxHeader("g", { uid: "5", gid: "6" }), { name: "a", pax: { gid: "9" } }],
      { uid: 5, gid: 9 },
    ],
    [
      "L20: an empty pax value as taken back",
      [{ name: "a", uid: 3, pax: { uid: "", path: "" } }],
      { uid: 3, path: Buffer.from("a") },
    ],
    [
      "L20: unknown pax keys as none",
      [{ name: "a", pax: { "VENDOR.thing": "1", comment: "c" } }],
      { xattrs: [] },
    ],
  ])("%s", (_name, specs, want) => {
    expect(only(...specs)).toMatchObject(want);
  });

  test("L14: xattr values that are binary, hold newlines or 64 KiB", () => {
    const capability = Buffer.from([1, 0, 0, 2, 0xc0, 0x80, 0x0a, 0x00, 0x3d]);
    const large = Buffer.alloc(64 * 1024, 0xee);
    const { xattrs } = only({
      name: "a",
      pax: { "SCHILY.xattr.security.capability": capability, "SCHILY.xattr.user.large": large },
    });
    expect(xattrs).toEqual([
      { name: Buffer.from("security.capability"), value: capability },
      { name: Buffer.from("user.large"), value: large },
    ]);
  });

  test("the same entries whatever the pieces are", () => {
    const archive = tar(
      { name: "n".repeat(300), data: "x".repeat(700), pax: { mtime: "5.5" } },
      { name: "d/" },
      { name: "empty" },
      { name: "last", data: Buffer.alloc(512) },
    );
    const whole = read(archive);
    expect(whole.map((entry) => entry.offset)).toEqual([2560, 4096, 4608, 5120]);
    for (const pieceBytes of [1, 7, 511, 512, 513, 1000]) expect(read(archive, pieceBytes)).toEqual(whole);
  });

  test("an archive without zero blocks, and one without its last padding", () => {
    const bare = tarEntry({ name: "a", data: "hello" });
    expect(read(bare)).toHaveLength(1);
    expect(read(bare.subarray(0, 512 + 5))).toHaveLength(1);
    expect(read(Buffer.alloc(0))).toEqual([]);
  });

  test("nothing behind the end mark", () => {
    expect(read(Buffer.concat([tar({ name: "a" }), Buffer.from("anything at all")]))).toHaveLength(1);
  });
});

describe("refuses", () => {
  const sparse = "UNSUPPORTED_LAYER";
  test.each<[string, Buffer, string]>([
    ["text", Buffer.alloc(2048, "this is not a tar "), "BAD_TAR"],
    ["less than a block", Buffer.from("short"), "BAD_TAR"],
    ["a zip file", Buffer.concat([Buffer.from("PK\u0003\u0004"), Buffer.alloc(600)]), "BAD_TAR"],
    ["a flipped bit in a header", flip(tar({ name: "a" }), 3), "BAD_TAR"],
    ["file data cut short", tarEntry({ name: "a", data: "x".repeat(600) }).subarray(0, 700), "BAD_TAR"],
    ["a header cut short", tarEntry({ name: "a" }).subarray(0, 300), "BAD_TAR"],
    ["an end after a pax header", tar(paxHeader("x", { path: "a" })), "BAD_TAR"],
    [
      "a zero block between entries",
      tar(tarEntry({ name: "a" }), Buffer.alloc(512), tarEntry({ name: "b" })),
      "BAD_TAR",
    ],
    ["a size that is not a number", tar({ name: "a", patch: (h) => h.write("12x45", 124) }), "BAD_TAR"],
    ["L2: a symbolic link to nothing", tar({ name: "a", flag: "2" }), "BAD_TAR"],
    [
      "L2: a symbolic link with a NUL byte",
      tar({ name: "a", flag: "2", pax: { linkpath: "b\0c" } }),
      "BAD_TAR",
    ],
    [
      "L2: a symbolic link longer than Linux takes",
      tar({ name: "a", flag: "2", link: "x".repeat(4096) }),
      "BAD_TAR",
    ],
    // Whole blocks: what follows would be read as the next entry.
    ["L21: a negative size", tar({ name: "a", patch: (h) => base256(-512n, 12).copy(h, 124) }), "BAD_TAR"],
    [
      "L21: a size beyond 2^53",
      tar({ name: "a", patch: (h) => base256(1n << 60n, 12).copy(h, 124) }),
      "BAD_TAR",
    ],
    ["an owner of -1", tar({ name: "a", patch: (h) => base256(-1n, 8).copy(h, 108) }), "BAD_TAR"],
    ["an owner of 2^32 - 1, which chown ignores", tar({ name: "a", pax: { uid: "4294967295" } }), "BAD_TAR"],
    ["L20: a pax record longer than its header", tar(rawMeta("x", Buffer.from("99 path=a\n"))), "BAD_TAR"],
    ["L20: a pax record without a length", tar(rawMeta("x", Buffer.from("path=a\n"))), "BAD_TAR"],
    ["L20: a pax record without a newline", tar(rawMeta("x", Buffer.from("9 path=a!"))), "BAD_TAR"],
    ["L20: a pax record without a key", tar(rawMeta("x", Buffer.from("5 =a\n"))), "BAD_TAR"],
    ["L20: a pax record without a value sign", tar(rawMeta("x", Buffer.from("8 pathx\n"))), "BAD_TAR"],
    ["L20: a pax length of zero", tar(rawMeta("x", Buffer.from("0 path=a\n"))), "BAD_TAR"],
    ["L20: a pax size that is negative", tar({ name: "a", pax: { size: "-1" } }), "BAD_TAR"],
    ["L20: a pax time that is not a time", tar({ name: "a", pax: { mtime: "soon" } }), "BAD_TAR"],
    ["L20: a pax header over 1 MiB", tar({ name: "a", pax: { path: "x".repeat(1 << 20) } }), "BAD_TAR"],
    ["L21: an old GNU sparse file", tar({ name: "a", flag: "S" }), sparse],
    ["L20: global pax records over 1 MiB", tar(paxHeader("g", { comment: "x".repeat(1 << 20) })), "BAD_TAR"],
    [
      "L21: a sparse file of pax 0.0",
      tar({ name: "a", pax: { "GNU.sparse.size": "9", "GNU.sparse.numblocks": "0" } }),
      sparse,
    ],
    ["L21: a sparse file of pax 0.1", tar({ name: "a", pax: { "GNU.sparse.map": "0,1" } }), sparse],
    [
      "L21: a sparse file of pax 1.0",
      tar({ name: "a", pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0" } }),
      sparse,
    ],
    ["L21: an unknown entry type", tar({ name: "a", flag: "Z" }), sparse],
  ])("%s", (_name, archive, code) => {
    expect(failure(archive).code).toBe(code);
  });

  test("more entries than the limit", () => {
    const archive = tar(...Array.from({ length: 1001 }, (_, i) => ({ name: `f${i}` })));
    expect(failure(archive)).toMatchObject({
      code: "TOO_BIG",
      message: expect.stringContaining("1000") as string,
    });
  });

  test("random bytes, without any other kind of failure", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 2000 }), (bytes) => {
        try {
          read(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(LayerError);
        }
      }),
    );
  });

  test("damaged archives, without any other kind of failure", () => {
    const archive = tar(
      { name: "n".repeat(150), data: "abc", pax: { mtime: "1.5", "SCHILY.xattr.user.a": "b" } },
      { name: "z/" },
    );
    const damage = fc.tuple(fc.nat(archive.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(damage, { maxLength: 4 }), fc.nat(archive.length), (changes, length) => {
        const bad = Buffer.from(archive);
        for (const [at, byte] of changes) bad[at] = byte;
        try {
          read(bad.subarray(0, length), 100);
        } catch (error) {
          expect(error).toBeInstanceOf(LayerError);
        }
      }),
    );
  });
});

function flip(archive: Buffer, at: number): Buffer {
  archive[at]! ^= 1;
  return archive;
}

describe("agrees with other writers", () => {
  function sample(): string {
    const dir = mkdtempSync(path.join(tmpdir(), "pullrun-tar-"));
    mkdirSync(path.join(dir, "sub"));
    writeFileSync(path.join(dir, "sub/file"), "x".repeat(3000));
    linkSync(path.join(dir, "sub/file"), path.join(dir, "sub/hard"));
    symlinkSync("/etc/passwd", path.join(dir, "link"));
    writeFileSync(path.join(dir, `${"long".repeat(40)}-ß`), "y");
    chmodSync(path.join(dir, "sub/file"), 0o4711);
    return dir;
  }

  test.each(["gnu", "pax", "ustar", "v7"])(`${missing("tar")}GNU tar's %s format`, (format) => {
    const dir = sample();
    const names = format === "v7" || format === "ustar" ? ["sub", "link"] : ["."];
    const archive = execFileSync("tar", [`--format=${format}`, "-cf", "-", ...names], { cwd: dir });
    const verbose = execFileSync(
      "tar",
      ["-tvf", "-", "--numeric-owner", "--full-time", "--quoting-style=literal"],
      { input: archive, env: { TZ: "UTC" } },
    );
    rmSync(dir, { recursive: true });
    expect(read(archive).map(listed)).toEqual(verbose.toString().trimEnd().split("\n").map(relisted));
  });

  test("npm tar", () => {
    const dir = sample();
    const archive = create({ cwd: dir, sync: true, portable: true }, ["sub", "link"]).read()!;
    rmSync(dir, { recursive: true });
    expect(
      read(archive)
        .map((entry) => `${entry.type} ${entry.path.toString()}`)
        .sort(),
    ).toEqual(["directory sub/", "file sub/file", "hardlink sub/hard", "symlink link"].sort());
  });
});

/** An entry, and a line of `tar -tv`, as: type mode owner size|link path. */
function listed(entry: LayerEntry): string {
  const letter = { file: "-", directory: "d", symlink: "l", hardlink: "h", char: "c", block: "b", fifo: "p" }[
    entry.type
  ];
  const link =
    entry.type === "symlink"
      ? ` -> ${entry.link.toString()}`
      : entry.type === "hardlink"
        ? ` link to ${entry.link.toString()}`
        : "";
  const time = new Date(entry.mtime * 1000).toISOString().slice(0, 19).replace("T", " ");
  return `${letter}${rwx(entry.mode)} ${entry.uid}/${entry.gid} ${entry.size} ${time} ${entry.path.toString()}${link}`;
}

function relisted(line: string): string {
  return line.replace(/ +/g, " ").replace(/(\d\d:\d\d:\d\d)\.\d+/, "$1");
}

function rwx(mode: number): string {
  const text = "rwxrwxrwx".split("").map((letter, i) => ((mode >> (8 - i)) & 1 ? letter : "-"));
  if (mode & 0o4000) text[2] = text[2] === "x" ? "s" : "S";
  return text.join("");
}
