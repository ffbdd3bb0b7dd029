import { copyFile, mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { layoutIndexOf, type SavedImage } from "./archives.js";
import { atomicWrite } from "./files.js";
import type { StorePaths } from "./layout.js";
import { fillNewDirectory, resolveDirectory } from "./new-directory.js";
import { hexOf } from "../core/digest.js";

/** Writes the images as an OCI layout into `directory`, which must be new or empty. index.json, which makes it one, comes last. */
export async function writeLayout(
  paths: StorePaths,
  images: readonly SavedImage[],
  directory: string,
): Promise<void> {
  const blobs = path.join(resolveDirectory("save", directory), "blobs", "sha256");
  const clear = (file: string): Promise<void> => rm(file, { recursive: true, force: true });
  await fillNewDirectory({ what: "save", directory, mode: 0o777, clear }, async () => {
    await mkdir(blobs, { recursive: true });
    for (const { layers, config, manifest } of images) {
      for (const { digest } of [...layers, config, manifest])
        await copyFile(paths.blob(digest), path.join(blobs, hexOf(digest)));
    }
    await atomicWrite(path.join(directory, "oci-layout"), Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
    await atomicWrite(path.join(directory, "index.json"), Buffer.from(JSON.stringify(layoutIndexOf(images))));
  });
}
