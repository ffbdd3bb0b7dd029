import { constants, type Stats } from "node:fs";
import { access, stat } from "node:fs/promises";
import path from "node:path";
import { digestOf } from "../../core/digest.js";
import { errnoText, pathHint } from "../../core/errno-hints.js";
import type { Emit } from "../../core/events.js";
import { errnoOf, LaunchError } from "../../core/errors.js";
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
export async function imageOfDirectory(
  { emit }: Pick<Context, "emit">,
  { path: directory, overlay }: RootDirectory,
): Promise<LocalImage> {
  await requireDirectory(directory);
  if (!overlay) await warnOfReadOnly(emit, directory);
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
  const found = await openable(directory).catch((error: unknown) => {
    const hint = errnoOf(error) === "EACCES" ? pathHint("EACCES") : undefined;
    throw badRoot(directory, `cannot be opened: ${errnoText(error)}`, hint);
  });
  if (!found.isDirectory()) throw badRoot(directory, "is no directory");
}

async function openable(directory: string): Promise<Stats> {
  const found = await stat(directory);
  if (found.isDirectory()) await access(directory, constants.R_OK | constants.X_OK);
  return found;
}

function badRoot(
  directory: string,
  observed: string,
  hint = "`pullrun unpack IMAGE DIR` makes one",
): LaunchError {
  const message = `--rootfs: ${printable(directory)}: ${observed} (expected a root directory)`;
  return new LaunchError("BAD_MOUNT", message, { hint });
}

/** It may do: what is mounted in it may have its place there already. */
async function warnOfReadOnly(emit: Emit, directory: string): Promise<void> {
  const writable = await access(directory, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (writable) return;
  const message = `--rootfs: ${printable(directory)}: the container cannot write there: DIR:O keeps what it writes elsewhere`;
  emit({ type: "warning", message });
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
