import { readFile } from "node:fs/promises";
import path from "node:path";
import { errnoOf, PullrunError } from "../core/errors.js";
import { readIndex } from "./index-file.js";
import type { StorePaths } from "./layout.js";
import type { Problem } from "./verify.js";

/** What is wrong with index.json: without it nothing is known of the images. */
export async function checkIndex({ root }: StorePaths): Promise<Problem[]> {
  try {
    await readIndex(root);
    return [];
  } catch (error) {
    if (!(error instanceof PullrunError)) throw error;
    const state = error.code === "NOT_FOUND" ? "missing" : "damaged";
    return [{ kind: "index", state, object: "index.json", message: error.message, images: [] }];
  }
}

/** What is wrong with `oci-layout`, which we do not need but other tools do (image-spec image-layout.md, "oci-layout file"). */
export async function checkLayoutFile({ root }: StorePaths): Promise<Problem[]> {
  const file = path.join(root, "oci-layout");
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return undefined;
    if (errnoOf(error) === "EISDIR") return "";
    throw error;
  });
  if (text !== undefined && versionOf(text) === "1.0.0") return [];
  const state = text === undefined ? "missing" : "damaged";
  const message = "oci-layout: does not say that this is an OCI image layout (expected version 1.0.0)";
  return [{ kind: "layout", state, object: "oci-layout", message, images: [] }];
}

function versionOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { imageLayoutVersion?: unknown } | null)?.imageLayoutVersion;
  } catch {
    return undefined;
  }
}
