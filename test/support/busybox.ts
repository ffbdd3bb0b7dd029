import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll } from "vitest";
import { addImage, type BlobMap, type ProcessSpec } from "../../fixtures/image.js";
import { writeLayout } from "../../fixtures/layout.js";
import { parseManifest } from "../../src/core/manifest.js";
import { readLayout, sharedLayout } from "./layouts.js";
import { tar, type TarEntrySpec } from "./tar.js";

/** Images with a shell in them, for tests of what a container can do. */

const layout = sharedLayout("busybox");

/** `""`, or the front of a skipped test's name. */
export const needsBusybox = layout === undefined ? "needs ../shared/images: " : "";

/** As a name for `pullrun run`. */
export const busybox = `oci:${layout ?? ""}`;

const directories: string[] = [];
afterAll(() => directories.forEach((directory) => rmSync(directory, { recursive: true, force: true })));

/** Busybox with a layer of these entries on top, hostile or not; its name for `pullrun run`. */
export async function busyboxWith(
  entries: readonly TarEntrySpec[],
  process: Partial<ProcessSpec> = {},
): Promise<string> {
  const blobs: BlobMap = new Map();
  const descriptor = addImage(blobs, {
    platform: { os: "linux", architecture: "amd64" },
    layers: [
      { createdBy: "busybox", content: busyboxTar() },
      { createdBy: "the test", content: tar(...entries) },
    ],
    process: { Cmd: ["sh"], ...process },
  });
  const directory = mkdtempSync(path.join(tmpdir(), "pullrun-image-"));
  directories.push(directory);
  chmodSync(directory, 0o755);
  await writeLayout(directory, { images: [{ name: "test:latest", descriptor, manifests: [] }], blobs });
  return `oci:${directory}`;
}

export function busyboxTar(): Uint8Array {
  const { descriptor, blobs } = readLayout(layout ?? "");
  const manifest = parseManifest("busybox", blobs.get(descriptor.digest)!, descriptor.mediaType);
  if (manifest.kind !== "manifest") throw new Error("expected a manifest");
  return gunzipSync(blobs.get(manifest.layers[0]!.digest)!);
}
