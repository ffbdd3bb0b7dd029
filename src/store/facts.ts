import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import * as v from "valibot";
import { limits } from "../core/limits.js";
import { atomicWrite, unlessAbsent } from "./files.js";
import { findNode } from "./resolve.js";
import type { DirNode } from "./tree.js";

/** What a launch needs to know of a root file system without looking into it. */
export interface RootfsFacts {
  /** /etc/passwd and /etc/group; undefined if absent, no regular file, or over `limits.passwdBytes`. */
  readonly passwd?: string | undefined;
  readonly group?: string | undefined;
  /** In the erofs driver: which layers' tars the image's devices are, 0 = bottom. */
  readonly devices?: readonly number[] | undefined;
}

const factsSchema = v.object({
  passwd: v.optional(v.string()),
  group: v.optional(v.string()),
  devices: v.optional(v.array(v.number())),
});

/** Reads the facts out of a merged tree and the tars behind it. */
export async function collectFacts(tree: DirNode, tars: readonly string[]): Promise<RootfsFacts> {
  return {
    passwd: await readText(tree, "/etc/passwd", tars),
    group: await readText(tree, "/etc/group", tars),
  };
}

export async function saveFacts(file: string, facts: RootfsFacts): Promise<void> {
  await atomicWrite(file, Buffer.from(JSON.stringify(facts)), 0o600);
}

/** Undefined if the file is absent or not what {@link saveFacts} writes. */
export function loadFacts(file: string): RootfsFacts | undefined {
  const text = unlessAbsent(() => readFileSync(file, "utf8"));
  if (text === undefined) return undefined;
  try {
    return v.parse(factsSchema, JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function readText(tree: DirNode, path: string, tars: readonly string[]): Promise<string | undefined> {
  const node = findNode(tree, path);
  if (node?.kind !== "file" || node.size > limits.passwdBytes) return undefined;
  await using tar = await open(tars[node.layer] ?? "", "r");
  const bytes = Buffer.alloc(node.size);
  const { bytesRead } = await tar.read(bytes, 0, node.size, node.offset);
  return bytes.toString("utf8", 0, bytesRead);
}
