import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import * as v from "valibot";
import { descriptorSchema, type Descriptor } from "../core/descriptor.js";
import { errnoOf, StoreError } from "../core/errors.js";
import { parseUntrustedJson } from "../core/json.js";
import { printable } from "../core/text.js";
import { withIoErrors } from "./files.js";

/** image-spec annotations.md; in a layout it holds a tag or, as podman and we write it, a full reference. */
export const refNameKey = "org.opencontainers.image.ref.name";

/** `index.json` of an OCI layout. What we do not know of it is kept in `document` and in each entry's `raw`. */
export interface LayoutIndex {
  readonly document: Readonly<Record<string, unknown>>;
  readonly entries: readonly IndexEntry[];
}

export interface IndexEntry {
  readonly raw: unknown;
  /** Undefined for an entry we cannot use, such as one with a sha512 digest. */
  readonly descriptor: Descriptor | undefined;
  readonly refName: string | undefined;
}

/** 4 MiB is a manifest's limit; our own index holds an entry of about 500 bytes per image. */
const maxIndexBytes = 64 * 1024 * 1024;

/** @throws StoreError NOT_FOUND if `root` is no layout, CORRUPT if its index is not one */
export async function readIndex(root: string): Promise<LayoutIndex> {
  return parseIndex(root, await readBounded(root));
}

/** The index of the layout `root` names. @throws StoreError CORRUPT */
export function parseIndex(root: string, bytes: Uint8Array): LayoutIndex {
  let document: unknown;
  try {
    document = parseUntrustedJson(bytes);
  } catch (error) {
    throw corrupt(root, error instanceof Error ? error.message : "not JSON");
  }
  if (typeof document !== "object" || document === null || !("manifests" in document))
    throw corrupt(root, "not an index");
  if (!Array.isArray(document.manifests)) throw corrupt(root, "manifests is not a list");
  return { document: { ...document }, entries: document.manifests.map(toEntry) };
}

/** The bytes of `index` with other entries. */
export function encodeIndex(index: LayoutIndex, entries: readonly { readonly raw: unknown }[]): Buffer {
  return Buffer.from(JSON.stringify({ ...index.document, manifests: entries.map((entry) => entry.raw) }));
}

function toEntry(raw: unknown): IndexEntry {
  const parsed = v.safeParse(descriptorSchema, raw);
  const descriptor = parsed.success ? parsed.output : undefined;
  return { raw, descriptor, refName: descriptor?.annotations?.[refNameKey] };
}

async function readBounded(root: string): Promise<Uint8Array> {
  const file = path.join(root, "index.json");
  return withIoErrors("layout", root, async () => {
    const fd = openIndex(root, file);
    try {
      const found = fstatSync(fd);
      if (!found.isFile()) throw corrupt(root, "not a regular file");
      const { size } = found;
      if (size > maxIndexBytes) throw corrupt(root, `${size} bytes long`);
      return readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  });
}

function openIndex(root: string, file: string): number {
  try {
    // A pipe would be waited for until somebody writes into it.
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== "ENOENT" && errno !== "ENOTDIR") throw error;
    const hint = "expected a directory with oci-layout, index.json and blobs/";
    throw new StoreError("NOT_FOUND", `layout: ${printable(root)}: holds no index.json`, { hint });
  }
}

function corrupt(root: string, problem: string): StoreError {
  const hint = "index.json alone names the images there: bring back a copy of it, or fill another directory";
  return new StoreError("CORRUPT", `layout: ${printable(root)}: index.json: ${printable(problem)}`, { hint });
}
