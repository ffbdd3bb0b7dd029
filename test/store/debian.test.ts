import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { describeDirectory, describeErofs, describeOverlay } from "../support/disk-tree.js";
import { needsErofs } from "../support/erofs.js";
import { directory, hard, link, unpackWithUmoci } from "../support/images.js";
import { directoriesOf, erofsOf } from "../support/rootfs.js";
import { addImage, openTestStore, temporaryDirectory } from "../support/store.js";
import { tar } from "../support/tar.js";
import { missing } from "../support/tools.js";

const mirror = "http://deb.debian.org/debian";

function needsMirror(): string {
  const release = `${mirror}/dists/stable/Release`;
  const { status } = spawnSync("wget", ["-q", "--spider", "--timeout=5", "--tries=1", release]);
  return status === 0 ? "" : `needs ${mirror}: `;
}

const needsTools = needsErofs + missing("debootstrap", "wget", "tar", "umoci", "unshare");
const needs = needsTools === "" ? needsMirror() : needsTools;

/** A tar of a freshly installed Debian, as GNU tar makes it. */
function debian(): Buffer {
  const root = path.join(temporaryDirectory(), "debian");
  execFileSync("debootstrap", ["--variant=minbase", "stable", root, mirror], { stdio: "pipe" });
  const file = path.join(temporaryDirectory(), "debian.tar");
  execFileSync("tar", [...["--format=pax", "--xattrs", "--xattrs-include=*"], "-C", root, "-cf", file, "."]);
  return readFileSync(file);
}

/** What people do on top of one. */
const changes = tar(
  { name: "usr/share/.wh.doc" },
  directory("usr/share/doc"),
  { name: "usr/share/doc/README", data: "cleaned" },
  { name: "var/lib/apt/lists/.wh..wh..opq" },
  { name: "etc/hostname", data: "image\n" },
  { name: "bin/tool", data: "#!/bin/sh\n", mode: 0o4755 },
  hard("usr/bin/tool-again", "usr/bin/tool"),
  hard("usr/bin/sh-again", "usr/bin/dash"),
  link("etc/motd", "/run/motd"),
  { name: "usr/bin/perl", data: "replaced", mode: 0o755, uid: 7, gid: 8 },
);

test.skipIf(needs !== "")(
  `${needs}a Debian made by debootstrap, with changes on top, is the tree that umoci unpacks, with both drivers`,
  async () => {
    const store = await openTestStore(undefined, { rootfsDriver: "directories" });
    const { diffIds } = await addImage(store, "localhost/debian:1", [debian(), changes]);
    const umoci = Object.fromEntries(describeDirectory(unpackWithUmoci(store, "localhost/debian:1")));
    expect(Object.keys(umoci).length).toBeGreaterThan(3000);
    const privilege = { kind: "root" } as const;
    const flat = path.join(temporaryDirectory(), "flat");
    await store.unpackFlat(diffIds, flat, { privilege });
    expect(Object.fromEntries(describeDirectory(flat))).toEqual(umoci);
    const lowers = directoriesOf(await store.ensureRootfs(diffIds, { privilege }));
    const empty = temporaryDirectory();
    for (const name of ["lowest", "mnt"]) mkdirSync(path.join(empty, name));
    expect(Object.fromEntries(describeOverlay(lowers, empty))).toEqual(umoci);
    const erofs = await openTestStore(store.paths.root, { rootfsDriver: "erofs" });
    const image = erofsOf(await erofs.ensureRootfs(diffIds, { privilege }));
    expect(Object.fromEntries(await describeErofs(image))).toEqual(umoci);
  },
  300_000,
);
