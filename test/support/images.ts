import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { DiffId } from "../../src/core/digest.js";
import { parseImageConfig } from "../../src/core/image-config.js";
import { limits } from "../../src/core/limits.js";
import { parseManifest } from "../../src/core/manifest.js";
import { openLayoutSource } from "../../src/store/oci-layout.js";
import type { Store } from "../../src/store/store.js";
import { ingest, temporaryDirectory } from "./store.js";
import { tar, type TarEntrySpec } from "./tar.js";

/** Images that the root file system drivers are compared with each other and with umoci on. */

export const link = (name: string, target: string): TarEntrySpec => ({ name, flag: "2", link: target });
export const hard = (name: string, target: string): TarEntrySpec => ({ name, flag: "1", link: target });
export const directory = (name: string, rest: Partial<TarEntrySpec> = {}): TarEntrySpec => ({
  name: `${name}/`,
  mtime: 1_500_000_000,
  ...rest,
});

/** Every kind of node and metadata, then whiteouts, opaque marks, type changes and links over them. */
export const everyKind: readonly Buffer[] = [
  tar(
    directory(".", { mode: 0o755 }),
    directory("etc"),
    { name: "etc/passwd", data: "root:x:0:0:root:/root:/bin/sh\n" },
    { name: "etc/group", data: "root:x:0:\n" },
    directory("usr"),
    directory("usr/lib", { mode: 0o750, uid: 3, gid: 4 }),
    { name: "usr/lib/libc.so", data: "x".repeat(100_000), mode: 0o755 },
    link("lib", "usr/lib"),
    link("abs", "/etc"),
    { name: "suid", data: "s", mode: 0o6755, uid: 1000, gid: 1000 },
    directory("tmp", { mode: 0o1777 }),
    { name: "null", flag: "3", major: 1, minor: 3, mode: 0o666 },
    { name: "disk", flag: "4", major: 8, minor: 1, mode: 0o660, gid: 6 },
    { name: "pipe", flag: "6", mode: 0o600 },
    { name: "nano", pax: { mtime: "1234567890.123456789" } },
    { name: "old", mtime: 0, pax: { mtime: "-100.5" } },
    {
      name: "caps",
      mode: 0o755,
      data: "c",
      pax: {
        "SCHILY.xattr.security.capability": Buffer.from("0100000200200000000000000000000000000000", "hex"),
      },
    },
    { name: "attrs", pax: { "SCHILY.xattr.user.a": Buffer.from([0, 10, 255]) } },
    { name: Buffer.from([0x62, 0xff, 0xfe]), data: "not utf-8" },
    directory("gone"),
    { name: "gone/x" },
    directory("opaque"),
    { name: "opaque/a" },
    directory("opaque/sub"),
    { name: "opaque/sub/b" },
    { name: "was-file" },
    directory("was-dir"),
    { name: "was-dir/x" },
    { name: "one", data: "linked" },
    hard("two", "one"),
    hard("usr/three", "one"),
    directory("closed", { mode: 0o555 }),
    { name: "closed/x", mode: 0 },
  ),
  tar(
    { name: ".wh.gone" },
    { name: "lib/through-link", data: "1" },
    { name: "abs/also", data: "2" },
    directory("opaque", { mode: 0o711 }),
    { name: "opaque/.wh..wh..opq" },
    { name: "opaque/new", data: "n" },
    directory("was-file"),
    { name: "was-file/inside" },
    { name: "was-dir", data: "now a file" },
    hard("four", "two"),
    { name: "closed/y" },
  ),
  tar(
    directory("gone"),
    { name: "gone/y" },
    { name: "two", data: "on its own" },
    { name: "usr/lib/.wh.libc.so" },
    link("null", "nothing"),
  ),
  tar(),
];

/** What umoci makes of the same layers, as an image of a layout of its own. */
export function unpackWithUmoci(store: Store, name: string): string {
  const layout = temporaryDirectory();
  for (const part of ["blobs", "oci-layout", "index.json"]) {
    cpSync(path.join(store.paths.root, part), path.join(layout, part), { recursive: true });
  }
  const index = readFileSync(path.join(layout, "index.json"), "utf8");
  writeFileSync(path.join(layout, "index.json"), index.replace(`"${name}"`, '"oracle"'));
  const bundle = path.join(temporaryDirectory(), "bundle");
  execFileSync("umoci", ["unpack", "--image", `${layout}:oracle`, bundle], { stdio: "pipe" });
  return path.join(bundle, "rootfs");
}

/** Puts the one image of an OCI layout into the store under `name`. */
export async function addLayout(store: Store, from: string, name: string): Promise<readonly DiffId[]> {
  const { signal } = new AbortController();
  const source = openLayoutSource(from, undefined);
  const descriptor = await source.resolve(signal);
  const bytes = await source.document(descriptor, signal);
  const manifest = parseManifest("test", bytes, descriptor.mediaType);
  if (manifest.kind !== "manifest") throw new Error("expected a manifest");
  const configBytes = await source.smallBlob(manifest.config, limits.configBytes, signal);
  const { diffIds } = parseImageConfig("test", configBytes);
  await store.put(descriptor.digest, bytes);
  await store.put(manifest.config.digest, configBytes);
  for (const [i, layer] of manifest.layers.entries()) {
    await ingest(store, { blob: Buffer.alloc(0), descriptor: layer, diffId: diffIds[i]! }, { source });
  }
  const { mediaType, digest, size } = descriptor;
  await store.commit({ name, manifest: { mediaType, digest, size }, resolved: digest });
  return diffIds;
}
