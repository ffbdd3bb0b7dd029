import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { LaunchError, LayerError } from "../../src/core/errors.js";
import { describeDirectory } from "../support/disk-tree.js";
import { directory, hard, link } from "../support/images.js";
import { erofsOf } from "../support/rootfs.js";
import { ways, type ShownTree } from "../support/shown-trees.js";
import { addImage, openTestStore, temporaryDirectory } from "../support/store.js";
import { paxHeader, tar, type TarEntrySpec } from "../support/tar.js";

/** The adversarial layers that make a tree, each one shown by both drivers and unpacked flat. */

const mtime = 1_700_000_000;
const xattr = (records: Readonly<Record<string, string | Buffer>>): Record<string, string | Buffer> =>
  Object.fromEntries(Object.entries(records).map(([name, value]) => [`SCHILY.xattr.${name}`, value]));
const layers = (...specs: readonly (readonly (TarEntrySpec | Buffer)[])[]): Buffer[] =>
  specs.map((entries) => tar({ name: "./", mode: 0o755 }, ...entries));

for (const { name: way, needs, show } of ways) {
  describe.skipIf(needs !== "")(`${needs}${way}:`, () => {
    const names = async (...specs: readonly (readonly TarEntrySpec[])[]): Promise<string[]> =>
      Object.keys((await show(layers(...specs))).lines)
        .filter((name) => name !== "")
        .sort();

    test("L1: names with dots, double slashes and a leading one lie inside the root", async () => {
      const odd = ["/etc/x", "a/../b", "./c", ".//d//./e", "n".repeat(255)].map((name) => ({ name }));
      expect(await names(odd)).toEqual(["b", "c", "d", "d/e", "etc", "etc/x", "n".repeat(255)]);
    });

    test("L2: links that lead out of the root lead to its top", async () => {
      const shown = await names([
        ...[link("a", "/"), link("up", "../../.."), link("b", "c"), link("c", "/")],
        ...["a", "up", "b"].map((name) => ({ name: `${name}/etc/from-${name}` })),
      ]);
      expect(shown).toEqual(["a", "b", "c", "etc", "etc/from-a", "etc/from-b", "etc/from-up", "up"]);
    });

    test("L3, L6: a hard link to a link is one more name of the link, and a mode for it changes no host file", async () => {
      const canary = path.join(temporaryDirectory(), "canary");
      writeFileSync(canary, "alive", { mode: 0o600 });
      const { lines } = await show(
        layers([link("out", canary), hard("again", "out")], [{ name: "again", mode: 0o777, data: "image" }]),
      );
      expect(lines["again"]).toMatch(/^file 777 /);
      expect(lines["out"]).toContain(`symlink 777 0:0 ${mtime}.0 0:0 ${canary}`);
      const { mode, nlink } = statSync(canary);
      expect([mode & 0o777, nlink, readFileSync(canary, "utf8")]).toEqual([0o600, 1, "alive"]);
    });

    test("L5: absolute links, absolute hard links and entries through a linked directory work", async () => {
      const { lines } = await show(
        layers(
          [directory("usr"), directory("usr/lib"), link("lib", "usr/lib"), link("usr/abs", "/usr/lib")],
          [
            { name: "lib/a", data: "A" },
            { name: "usr/abs/b", data: "B" },
            hard("c", "/usr/lib/a"),
            hard("d", "usr/abs/b"),
          ],
        ),
      );
      expect(Object.keys(lines).sort()).toEqual([
        ...["", "c", "d", "lib", "usr", "usr/abs", "usr/lib", "usr/lib/a", "usr/lib/b"],
      ]);
      expect([lines["usr/lib/a"], lines["usr/lib/b"]]).toEqual(["hardlink ./c", "hardlink ./d"]);
    });

    test.each(["/", ".", "./."])("L7: a root, %s, that is no directory is refused", async (name) => {
      const below = tar({ name: "./", mode: 0o755 }, { name: "f" });
      const roots = [link(name, "/etc"), hard(name, "f"), { name, flag: "6" }];
      if (!name.endsWith("/")) roots.push({ name, flag: "0", data: "x" });
      for (const root of roots)
        await expect(show([below, tar(root, { name: "passwd" })])).rejects.toMatchObject({
          code: "BAD_TAR",
          message: expect.stringContaining("root directory") as string,
        });
    });

    test("L8: a file replaces a full directory, and a directory a file or a link, which is not followed", async () => {
      const below = [
        ...[directory("full"), { name: "full/x" }, { name: "file" }],
        ...[directory("to"), { name: "to/kept" }, link("link", "to")],
      ];
      const above = [
        ...[{ name: "full", data: "now a file" }, directory("file"), { name: "file/in" }],
        ...[directory("link"), { name: "link/in" }],
      ];
      expect(await names(below, above)).toEqual([
        "file",
        "file/in",
        "full",
        "link",
        "link/in",
        "to",
        "to/kept",
      ]);
    });

    test("L12: devices and pipes are there; a character device 0:0 is no hidden whiteout, and is told of", async () => {
      const { lines, warnings } = await show(
        layers(
          [{ name: "kept", data: "x" }],
          [
            { name: "kept", flag: "3" },
            { name: "null", flag: "3", major: 1, minor: 3, mode: 0o666 },
            { name: "disk", flag: "4", major: 8, minor: 1 },
            { name: "zero-block", flag: "4" },
            { name: "pipe", flag: "6" },
          ],
        ),
      );
      expect(lines["kept"]).toMatch(/^file /);
      expect(lines["null"]).toMatch(/^char 666 .* 1:3 /);
      expect(lines["disk"]).toMatch(/^block .* 8:1 /);
      expect(lines["zero-block"]).toMatch(/^block .* 0:0 /);
      expect(lines["pipe"]).toMatch(/^fifo /);
      expect(warnings).toEqual([expect.stringContaining("left out a device 0:0")]);
    });

    test("L13: setuid, setgid and sticky bits outlast the change of owner, whose number may be large", async () => {
      const { lines } = await show(
        layers([
          { name: "suid", mode: 0o6755, uid: 1000, gid: 1000, data: "x" },
          directory("sticky", { mode: 0o3777, uid: 5 }),
          { name: "half", pax: { uid: String(2 ** 31), gid: "1000640000" } },
          { name: "most", mode: 0o4711, pax: { uid: "4294967294", gid: "4294967294" } },
        ]),
      );
      expect(lines["suid"]).toMatch(/^file 6755 1000:1000 /);
      expect(lines["sticky"]).toMatch(/^directory 3777 5:0 /);
      expect(lines["half"]).toMatch(/^file 644 2147483648:1000640000 /);
      expect(lines["most"]).toMatch(/^file 4711 4294967294:4294967294 /);
    });

    test("L14: capabilities are exact, overlay's own marks and SELinux labels are dropped", async () => {
      const v2 = Buffer.from("0100000200200000000000000000000000000000", "hex");
      const v3 = Buffer.from("010000030020000000000000000000000000000000000100", "hex").subarray(0, 24);
      const lines = await show(
        layers(
          [directory("d"), { name: "d/below", data: "x" }],
          [
            directory("d", {
              pax: xattr({
                "trusted.overlay.opaque": "y",
                "user.overlay.opaque": "y",
                "trusted.overlay.redirect": "/etc",
                "user.mine": "m",
              }),
            }),
            { name: "v2", mode: 0o755, data: "x", pax: xattr({ "security.capability": v2 }) },
            { name: "v3", mode: 0o755, data: "x", pax: xattr({ "security.capability": v3 }) },
            {
              name: "attrs",
              data: "own data",
              pax: xattr({
                "trusted.overlay.metacopy": "",
                "security.selinux": "system_u:object_r:bin_t:s0",
                "user.binary": Buffer.from([0, 10, 255, 61]),
                "trusted.kept": "t",
              }),
            },
          ],
        ),
      ).then((shown) => shown.lines);
      const attributes = (name: string): string[] => lines[name]?.split(" ").slice(7) ?? [];
      expect(attributes("d")).toEqual([`user.mine=${Buffer.from("m").toString("hex")}`]);
      expect(lines["d/below"]).toMatch(/^file /);
      expect(attributes("v2")).toEqual([`security.capability=${v2.toString("hex")}`]);
      expect(attributes("v3")).toEqual([`security.capability=${v3.toString("hex")}`]);
      expect(attributes("attrs")).toEqual(["trusted.kept=74", "user.binary=000aff3d"]);
    });

    test("L14: attributes Linux has no place for are left out, those of another system said once", async () => {
      const list = Buffer.from("0200000001000600ffffffff04000400ffffffff20000000ffffffff", "hex");
      const apple = xattr({ "com.apple.provenance": Buffer.of(1, 0, 0), "user.mine": "m" });
      const { lines, warnings } = await show(
        layers([
          { name: "a", data: "x", pax: apple },
          { name: "b", data: "x", pax: apple },
          {
            name: "odd",
            data: "x",
            pax: xattr({ "user.": "v", "user.a\0b": "v", [`user.${"n".repeat(251)}`]: "v" }),
          },
          { name: "link", flag: "2", link: "a", pax: xattr({ "system.posix_acl_access": list }) },
          { name: "file", data: "x", pax: xattr({ "system.posix_acl_default": list }) },
        ]),
      );
      const attributes = (name: string): string[] => lines[name]?.split(" ").slice(7) ?? [];
      expect(attributes("a")).toEqual(["user.mine=6d"]);
      expect(attributes("b")).toEqual(["user.mine=6d"]);
      for (const name of ["odd", "link", "file"]) expect(attributes(name)).toEqual([]);
      // One for all of them: an image can name any number.
      expect(warnings).toEqual([expect.stringContaining('such as "com.apple.provenance" were left out')]);
    });

    test("L14: an attribute of 64 KiB is whole, or refused with the file's name and the reason", async () => {
      const value = Buffer.alloc(64 * 1024, "\n\0=");
      const pax = xattr({ "user.large": value });
      const shown = await show(layers([{ name: "f", data: "x", pax }])).catch((error: unknown) => error);
      // EROFS counts to 65,535; ext4 has room for a block.
      if (shown instanceof LayerError) expect(shown.message).toContain("extended attribute too large");
      else if (shown instanceof LaunchError)
        expect(shown).toMatchObject({
          message: "cannot set metadata of file: /f: No space left on device",
          hint: expect.stringContaining("extended attributes may be too large") as string,
        });
      else expect((shown as ShownTree).lines["f"]).toContain(` user.large=${value.toString("hex")}`);
    });

    test("L15: whiteouts hide what is lower, wherever in the layer and of whatever type they are", async () => {
      const below = [
        ...["file", "dir-typed", "link-typed", "hard-typed", "kept"].map((name) => ({ name })),
        ...[directory("before"), { name: "before/old" }, directory("after"), { name: "after/old" }],
      ];
      const above: TarEntrySpec[] = [
        { name: "file" },
        { name: ".wh.file" },
        { name: ".wh.dir-typed", flag: "5" },
        link(".wh.link-typed", "/etc"),
        hard(".wh.hard-typed", "/etc/shadow"),
        ...[{ name: "before/.wh..wh..opq" }, { name: "before/new" }],
        ...[{ name: "after/new" }, { name: "after/.wh..wh..opq" }],
        ...[{ name: ".wh..wh.plnk/" }, { name: ".wh..wh.plnk/1.2" }, { name: ".wh..wh.aufs" }],
        { name: ".wh.../etc" },
      ];
      expect(await names(below, above)).toEqual(
        [".wh...", ".wh.../etc", "after", "after/new", "before", "before/new", "file", "kept"].sort(),
      );
    });

    test("L16: a directory deleted and made again in one layer, or in a later one, has only what is new", async () => {
      const below = [
        directory("same"),
        { name: "same/old" },
        directory("later/sub"),
        { name: "later/sub/old" },
      ];
      const middle = [{ name: ".wh.same" }, directory("same"), { name: "same/new" }, { name: ".wh.later" }];
      expect(await names(below, middle, [{ name: "later/sub/new" }])).toEqual(
        ["later", "later/sub", "later/sub/new", "same", "same/new"].sort(),
      );
    });

    test("L17: parents that a layer leaves out keep mode, owner, time and attributes", async () => {
      const pax = xattr({ "user.kept": "k" });
      const { lines } = await show(
        layers([directory("a", { mode: 0o700, uid: 5, gid: 6, pax })], [{ name: "a/b/c" }]),
      );
      expect(lines["a"]).toMatch(/^directory 700 5:6 1500000000\.0 .* user\.kept=6b$/);
      expect(lines["a/b"]).toMatch(/^directory 755 0:0 0\.0 /);
    });

    test("L18: times before 1970, with nanoseconds, of links and of directories after their files are kept", async () => {
      const { lines } = await show(
        layers([
          directory("d", { pax: { mtime: "1234567890.123456789" } }),
          { name: "d/after", pax: { mtime: "-1.25" } },
          { name: "link", flag: "2", link: "d", pax: { mtime: "-2000000000.000000001" } },
        ]),
      );
      expect(lines["d"]).toContain(" 1234567890.123456789 ");
      expect(lines["d/after"]).toContain(" -2.750000000 ");
      expect(lines["link"]).toContain(" -2000000001.999999999 ");
    });

    // ext4 has no room behind 2446-05-10 and keeps that instead (kernel ext4.h, EXT4_EXTRA_EPOCH_BITS); others have.
    test("L18: the year 2500 is kept, or is the last time the file system knows", async () => {
      const late = { pax: { mtime: "16725225600" } };
      const { lines } = await show(
        layers([{ name: "f", ...late }, directory("d", late), { name: "l", flag: "2", link: "f", ...late }]),
      );
      for (const name of ["f", "d", "l"]) {
        const time = Number(lines[name]?.split(" ")[3]);
        if (way === "erofs") expect(time).toBe(16_725_225_600);
        else expect([15_032_385_535, 16_725_225_600]).toContain(Math.trunc(time));
      }
    });

    test("L20: pax records count byte for byte, global ones for all that follows, unknown ones for nothing", async () => {
      const notText = Buffer.from([0x62, 0xff, 0xfe, 0x0a, 0x3d]);
      const { lines } = await show(
        layers([
          paxHeader("g", { gid: "7", "VENDOR.thing": "ignored", comment: "c".repeat(1024 * 1024 - 100) }),
          { name: "short", size: 0, data: "hello", pax: { path: notText, size: "5", uid: "70000" } },
          { name: "link", flag: "2", link: "x", pax: { linkpath: notText } },
          { name: "own", pax: { gid: "9" } },
        ]),
      );
      const bytes = notText.toString("latin1");
      expect(lines[bytes]).toMatch(/^file 644 70000:7 .* 2cf24dba5fb0a30e$/);
      expect(lines["link"]).toContain(`:7 ${mtime}.0 0:0 ${bytes} `);
      expect(lines["own"]).toMatch(/^file 644 0:9 /);
    });

    test("L21: long names of GNU, a split name of star and v7 directories are what was meant", async () => {
      const long = `${"d".repeat(120)}/${"n".repeat(200)}`;
      const prefix = "p".repeat(131);
      const star = (block: Buffer): void => {
        // star has its times behind a shorter prefix.
        block.write("00000000000 00000000000 ", 476, "latin1");
        block.write("tar\0", 508, "latin1");
      };
      const { lines } = await show(
        layers([
          { name: long },
          { name: "star", prefix, patch: star },
          { name: "v7/", flag: "\0", magic: "" },
        ]),
      );
      const shown = ["", "d".repeat(120), long, prefix, `${prefix}/star`, "v7"];
      expect(Object.keys(lines).sort()).toEqual(shown.sort());
      expect(lines["v7"]).toMatch(/^directory /);
    });
  });
}

const [erofs] = ways;
// What others swap in a target, test/helper/swaps.test.ts has for both ways that write files into one.
test.skipIf(erofs?.needs !== "")(
  `${erofs?.needs}L10: erofs gives no name of an image to the disk, so that nobody can swap one while it is made`,
  async () => {
    const store = await openTestStore(undefined, { rootfsDriver: "erofs" });
    const archives = layers([directory("d"), { name: "d/file", data: "x" }, link("out", "/etc")]);
    const { diffIds } = await addImage(store, "localhost/a:1", archives);
    const names = (): string[] => readdirSync(store.paths.root, { recursive: true, encoding: "utf8" });
    const before = new Set(names());
    const { image } = erofsOf(await store.ensureRootfs(diffIds, { privilege: { kind: "root" } }));
    const made = names().filter((name) => !before.has(name) && name !== path.join("rootfs", "erofs.json"));
    const own = path.relative(store.paths.root, image);
    expect(made.sort()).toEqual([own, `${own}.json`]);
  },
);

test.skipIf(erofs?.needs !== "")(
  `${erofs?.needs}L14: erofs holds an attribute of all the 65,535 bytes it can count`,
  async () => {
    const value = Buffer.alloc(65_535, "\n\0=");
    const shown = await erofs?.show([tar({ name: "f", data: "x", pax: xattr({ "user.large": value }) })]);
    expect(shown?.lines["f"]).toContain(` user.large=${value.toString("hex")}`);
  },
);

const [largest, target] = [Buffer.alloc(64 * 1024, "\n\0="), "/dev/shm"];
const needsTmpfs =
  (ways[1]?.needs ?? "") + (holdsAttribute(target, largest) ? "" : "needs 64 KiB xattrs on /dev/shm: ");
test.skipIf(needsTmpfs !== "")(
  `${needsTmpfs}L14: directories hold 64 KiB where the file system does`,
  async () => {
    const store = await openTestStore(undefined, { rootfsDriver: "directories" });
    const { diffIds } = await addImage(store, "localhost/a:1", [
      tar({ name: "f", data: "x", pax: xattr({ "user.large": largest }) }),
    ]);
    const directory = mkdtempSync(path.join(target, "pullrun-store-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    await store.unpackFlat(diffIds, path.join(directory, "flat"), { privilege: { kind: "root" } });
    const lines = describeDirectory(path.join(directory, "flat"));
    expect(lines.get("f")).toContain(` user.large=${largest.toString("hex")}`);
  },
);

function holdsAttribute(directory: string, value: Buffer): boolean {
  const file = path.join(mkdtempSync(path.join(directory, "pullrun-try-")), "f");
  writeFileSync(file, "");
  const script = "import os,sys; os.setxattr(sys.argv[1], 'user.large', sys.stdin.buffer.read())";
  const { status } = spawnSync("python3", ["-c", script, file], { input: value });
  rmSync(path.dirname(file), { recursive: true });
  return status === 0;
}
