import fc from "fast-check";
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import type { LayerEntry } from "../../src/store/entry.js";
import { encodeTarEntry, tarEnd, tarPadding, type TarEntry } from "../../src/store/tar-writer.js";
import { have, missing } from "../support/tools.js";
import { entriesOf } from "../support/trees.js";

function archive(entry: TarEntry): Buffer {
  const data = Buffer.alloc(Math.min(entry.size, 10_000), "x");
  return Buffer.concat([encodeTarEntry(entry), data, tarPadding(data.length), tarEnd]);
}

const base: TarEntry = {
  path: Buffer.from("a"),
  type: "file",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 1_700_000_000,
  mtimeNs: 0,
  link: Buffer.alloc(0),
  major: 0,
  minor: 0,
  xattrs: [],
};

/** As offset 0: where the data lies is not what is tested. */
function readBack(entry: TarEntry): LayerEntry {
  const [read, ...others] = entriesOf(archive(entry));
  expect(others).toEqual([]);
  return { ...read!, offset: 0 };
}

test.each([
  ["setuid, setgid and sticky bits", { mode: 0o7777 }],
  ["large owners", { uid: 1_000_640_000, gid: 0xffff_fffe }],
  ["a time before 1970", { mtime: -86_400 }],
  ["nanoseconds", { mtimeNs: 1 }],
  ["nanoseconds before 1970", { mtime: -1, mtimeNs: 250_000_000 }],
  ["a time after 2242", { mtime: 8_589_934_592 }],
  ["a name of 101 bytes", { path: Buffer.from("n".repeat(101)) }],
  [
    "a long name that is not UTF-8",
    { path: Buffer.concat([Buffer.alloc(120, "d"), Buffer.from([0x2f, 0xff])]) },
  ],
  ["a short name that is not UTF-8", { path: Buffer.from([0xff, 0x0a]) }],
  ["a long link", { type: "symlink", link: Buffer.from(`/${"l".repeat(300)}`) }],
  ["a hard link", { type: "hardlink", link: Buffer.from("other") }],
  ["a device with big numbers", { type: "block", major: 4095, minor: 0xffff_ffff }],
  ["a pipe", { type: "fifo" }],
  ["a directory", { type: "directory", path: Buffer.from("d/") }],
  [
    "binary attributes",
    {
      xattrs: [
        { name: Buffer.from("security.capability"), value: Buffer.from([1, 0, 0, 2, 0xc0, 0x0a, 0x3d]) },
        { name: Buffer.from("user.empty"), value: Buffer.alloc(0) },
      ],
    },
  ],
] satisfies [string, Partial<TarEntry>][])("%s are read back as written", (_, fields) => {
  const entry = { ...base, ...fields };
  expect(readBack(entry)).toEqual({ ...entry, offset: 0 });
});

test("the size of a file of 8 GiB and more stands in a pax record", () => {
  const header = encodeTarEntry({ ...base, size: 10_000_000_000 });
  expect(header.toString("latin1", 512, 540)).toContain("size=10000000000\n");
});

test("any name, owner, time and attribute is read back as written", () => {
  const bytes = (max: number) =>
    fc
      .uint8Array({ minLength: 1, maxLength: max })
      .map((array) => Buffer.from(array.map((byte) => byte || 1)));
  const entry = fc.record({
    path: bytes(300).filter((path) => path.at(-1) !== 0x2f),
    uid: fc.integer({ min: 0, max: 0xffff_fffe }),
    mtime: fc.integer({ min: -1e10, max: 1e12 }),
    mtimeNs: fc.integer({ min: 0, max: 999_999_999 }),
    xattrs: fc.array(fc.record({ name: fc.constant(Buffer.from("user.x")), value: bytes(50) }), {
      maxLength: 1,
    }),
  });
  fc.assert(
    fc.property(entry, (fields) => {
      expect(readBack({ ...base, ...fields })).toEqual({ ...base, ...fields, offset: 0 });
    }),
  );
});

test.skipIf(!have("tar"))(`${missing("tar")}GNU tar reads names, owners and times as written`, () => {
  const entry = {
    ...base,
    path: Buffer.from("d".repeat(150)),
    uid: 3_000_000,
    mtime: 1_700_000_000,
    mtimeNs: 500_000_000,
  };
  const listing = execFileSync("tar", ["-tvf", "-", "--numeric-owner", "--full-time"], {
    input: archive(entry),
    encoding: "utf8",
    env: { ...process.env, TZ: "UTC" },
  });
  expect(listing).toBe(`-rw-r--r-- 3000000/0         0 2023-11-14 22:13:20.5 ${"d".repeat(150)}\n`);
});
