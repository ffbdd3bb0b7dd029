import { statSync } from "node:fs";
import { layoutReference, type ImageName } from "../core/image-name.js";
import type { ImageSource } from "../core/image-source.js";
import type { Platform } from "../core/platform.js";
import { parseReference, repositoryOf } from "../core/reference.js";
import type { ArchiveInput, Scratch } from "../store/archive-file.js";
import { openArchive, type Archive } from "../store/archive-images.js";
import type { ArchiveImage } from "../store/archive-source.js";
import { refNameKey } from "../store/index-file.js";
import { openLayout } from "../store/oci-layout.js";
import { imageName } from "../store/refs.js";
import type { Context } from "./context.js";
import { pullFrom } from "./pull.js";

export interface LoadRequest {
  readonly input: ArchiveInput;
  readonly platform: Platform;
  /** Most bytes the layers of one image may be when unpacked, and a compressed archive when inflated. */
  readonly maxUnpacked?: number;
}

/**
 * Stores every image of an oci-archive or docker-archive, plain or compressed with gzip, zstd, xz or bzip2, or of an OCI
 * layout directory, under all its names, which are returned. Nothing is unpacked on the way, and an image that is refused
 * leaves nothing.
 */
export async function loadArchive(context: Context, request: LoadRequest): Promise<string[]> {
  const { input, ...options } = request;
  const store = await context.store({ create: true });
  const shown = "file" in input ? input.file : "archive";
  const scratch = { directory: store.paths.ingests, maxBytes: options.maxUnpacked, signal: context.signal };
  const archive = await open(input, scratch);
  try {
    const name: ImageName = { kind: "layout", directory: shown, archive: true, input: shown };
    const named = archive.images.map((image) => ({ name, source: namedSource(image, shown) }));
    const pulled = await pullFrom(context, named, { ...options, artifacts: true });
    const names: string[] = [];
    for (const [i, { stored }] of pulled.entries()) {
      names.push(stored.name);
      for (const other of archive.images[i]?.names.slice(1) ?? []) {
        const alias = imageName(parseReference(other));
        await store.commit({ ...stored, name: alias }, context.signal);
        names.push(alias);
      }
    }
    return names;
  } finally {
    await archive.close();
  }
}

async function open(input: ArchiveInput, scratch: Scratch): Promise<Archive> {
  const isDirectory = "file" in input && statSync(input.file, { throwIfNoEntry: false })?.isDirectory();
  return isDirectory === true ? openLayout(input.file) : openArchive(input, scratch);
}

/** An image without a name gets one that says where it came from and what it is. */
function namedSource({ names, digest, source }: ArchiveImage, shown: string): ImageSource {
  if (names.length > 0) return source;
  const name = `${repositoryOf(layoutReference(shown, undefined))}@${digest}`;
  return {
    ...source,
    async resolve(signal) {
      return { ...(await source.resolve(signal)), annotations: { [refNameKey]: name } };
    },
  };
}
