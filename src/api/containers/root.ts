import { stat } from "node:fs/promises";
import path from "node:path";
import { digestOf } from "../../core/digest.js";
import { errnoText } from "../../core/errno-hints.js";
import { LaunchError } from "../../core/errors.js";
import type { ImageConfig } from "../../core/image-config.js";
import { limits } from "../../core/limits.js";
import { ociConfig, ociManifest } from "../../core/media-types.js";
import { hostPlatform } from "../../core/platform.js";
import { printable } from "../../core/text.js";
import type { RootDirectory } from "../../launch/options/files.js";
import { planInDirectory } from "../../launch/plan-files.js";
import type { AccountFiles } from "../../launch/user.js";
import type { Context } from "../context.js";
import type { LocalImage } from "../find-image.js";

/** `run --rootfs`: a directory of this machine takes the place of an image. */

const processConfig: ImageConfig["process"] = {
  user: "",
  env: [],
  entrypoint: [],
  cmd: [],
  workingDir: "",
  volumes: [],
  exposedPorts: [],
  labels: {},
};

/** An image that says nothing, for what wants one. @throws LaunchError BAD_MOUNT where there is no directory */
export async function imageOfDirectory({ path: directory }: RootDirectory): Promise<LocalImage> {
  await requireDirectory(directory);
  const value: ImageConfig = { platform: hostPlatform(), process: processConfig, diffIds: [], history: [] };
  const bytes = Buffer.from("{}");
  const described = { digest: digestOf(bytes), size: bytes.length };
  const manifest = { mediaType: ociManifest, ...described };
  return {
    stored: { name: directory, manifest, resolved: described.digest },
    manifest: {
      descriptor: manifest,
      bytes,
      value: {
        kind: "manifest",
        mediaType: ociManifest,
        config: { mediaType: ociConfig, ...described },
        layers: [],
      },
    },
    config: { descriptor: { mediaType: ociConfig, ...described }, bytes, value },
  };
}

async function requireDirectory(directory: string): Promise<void> {
  const found = await stat(directory).catch(errnoText);
  if (typeof found !== "string" && found.isDirectory()) return;
  const observed = typeof found === "string" ? `cannot be opened: ${found}` : "is no directory";
  throw new LaunchError(
    "BAD_MOUNT",
    `--rootfs: ${printable(directory)}: ${observed} (expected a root directory)`,
    {
      hint: "`pullrun unpack IMAGE DIR` makes one",
    },
  );
}

/** Its account files, looked up inside it: what they are is whoever's who made it. */
export async function accountsOfDirectory(
  context: Context,
  { path: root }: RootDirectory,
): Promise<AccountFiles> {
  return {
    passwd: await readInside(context, root, "/etc/passwd"),
    group: await readInside(context, root, "/etc/group"),
  };
}

/** Undefined for what is no file, or too big for what it should be. */
async function readInside(context: Context, root: string, file: string): Promise<string | undefined> {
  const { readTreeItems } = await import("../../helper/tree-records.js");
  const helper = await context.helper();
  const chunks: Buffer[] = [];
  let size = Infinity;
  try {
    await helper.run(
      planInDirectory(root, [{ kind: "read-tree", path: path.posix.normalize(file), fd: 1, options: 1 }]),
      {
        signal: context.signal,
        output: async (bytes) => {
          for await (const item of readTreeItems(bytes)) {
            if (item.kind === "file") size = item.size;
            if (item.kind === "data" && size <= limits.passwdBytes) chunks.push(item.bytes);
          }
        },
      },
    );
  } catch (error) {
    if (error instanceof LaunchError && error.info.details?.["kind"] === "read-tree") return undefined;
    throw error;
  }
  return size <= limits.passwdBytes ? Buffer.concat(chunks).toString("utf8") : undefined;
}
