import path from "node:path";
import type { Descriptor } from "../core/descriptor.js";
import { UsageError } from "../core/errors.js";
import { throwIfAborted } from "../core/interruption.js";
import type { ImageSource } from "../core/image-source.js";
import { limits } from "../core/limits.js";
import { printable } from "../core/text.js";
import type { Archive } from "./archive-images.js";
import { readBlob, streamBlob } from "./blobs.js";
import { readIndex, type IndexEntry } from "./index-file.js";
import { indexImages } from "./index-images.js";

/**
 * One image of an OCI layout directory, as a pull reads it. `tag` is the entry's ref.name, or its end after a colon
 * (`1.36` for `busybox:1.36`); undefined takes the only image there is. Nothing is written.
 */
export function openLayoutSource(directory: string, tag: string | undefined): ImageSource {
  const root = path.resolve(directory);
  return layoutSource(root, async () => pick(root, (await readIndex(root)).entries, tag));
}

/** All images of an OCI layout directory. @throws StoreError NOT_FOUND if it is none, CORRUPT */
export async function openLayout(directory: string): Promise<Archive> {
  const root = path.resolve(directory);
  const { entries } = await readIndex(root);
  const images = indexImages(entries, (descriptor) => layoutSource(root, () => descriptor));
  return { images, close: async () => undefined };
}

function layoutSource(root: string, resolve: () => Descriptor | Promise<Descriptor>): ImageSource {
  const layout = { blobs: path.join(root, "blobs", "sha256") };
  return {
    async resolve(signal) {
      throwIfAborted(signal);
      return resolve();
    },
    async document(descriptor, signal) {
      throwIfAborted(signal);
      return readBlob(layout, descriptor, limits.manifestBytes);
    },
    async smallBlob(descriptor, limit, signal) {
      throwIfAborted(signal);
      return readBlob(layout, descriptor, limit);
    },
    async read(descriptor, { offset, signal }) {
      throwIfAborted(signal);
      return streamBlob(layout, descriptor.digest, { start: offset, signal });
    },
    close: () => undefined,
  };
}

/** @throws UsageError BAD_REFERENCE listing the tags, if none or several fit */
function pick(root: string, entries: readonly IndexEntry[], tag: string | undefined): Descriptor {
  const usable = entries.filter((entry) => entry.descriptor !== undefined);
  const exact = usable.filter((entry) => entry.refName === tag);
  const fitting =
    tag === undefined
      ? usable
      : exact.length > 0
        ? exact
        : usable.filter((e) => e.refName?.endsWith(`:${tag}`));
  const [only, ...others] = fitting;
  if (only?.descriptor !== undefined && others.length === 0) return only.descriptor;
  const names = usable.map((entry) => printable(entry.refName ?? "(no name)", 100));
  const where = `layout: ${printable(root)}`;
  const hint =
    names.length === 0
      ? "the layout is empty"
      : `it holds: ${[...new Set(names)].join(", ")}; name one as oci:DIR:TAG`;
  if (only !== undefined) {
    throw new UsageError("BAD_REFERENCE", `${where}: ${fitting.length} images fit (expected one)`, { hint });
  }
  const wanted = tag === undefined ? "no image" : `no image ${printable(tag, 100)}`;
  throw new UsageError("BAD_REFERENCE", `${where}: ${wanted}`, { hint });
}
