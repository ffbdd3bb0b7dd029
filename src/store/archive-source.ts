import { createReadStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import type { Descriptor } from "../core/descriptor.js";
import { verifyDigest, type Digest } from "../core/digest.js";
import { IntegrityError, StoreError } from "../core/errors.js";
import { throwIfAborted } from "../core/interruption.js";
import type { ImageSource } from "../core/image-source.js";
import { limits } from "../core/limits.js";
import { printable } from "../core/text.js";
import type { ArchiveIndex, ArchiveMember } from "./archive-index.js";

/** An image archive that is open: a plain tar, and where everything in it is. */
export interface ArchiveFile {
  readonly handle: FileHandle;
  readonly index: ArchiveIndex;
}

/** One image of an archive. */
export interface ArchiveImage {
  /** Names the archive gives it: full references, or a bare tag. */
  readonly names: readonly string[];
  /** Of its manifest, or of the index around it. */
  readonly digest: Digest;
  readonly source: ImageSource;
}

export interface SourceOptions {
  readonly descriptor: Descriptor;
  /** Where a blob's bytes are. @throws StoreError NOT_FOUND */
  find(descriptor: Descriptor): ArchiveMember;
  /** Documents that are not in the archive but made of it. */
  readonly made?: ReadonlyMap<string, Uint8Array>;
}

/** The image as a pull reads it. Does not own the archive: that is closed by whoever opened it. */
export function archiveSource({ handle }: ArchiveFile, options: SourceOptions): ImageSource {
  const { descriptor, find, made } = options;
  const small = async (wanted: Descriptor, limit: number): Promise<Uint8Array> => {
    const what = `blob ${wanted.digest}`;
    const bytes = made?.get(wanted.digest) ?? (await readRange(handle, find(wanted), { what, limit }));
    if (bytes.length !== wanted.size) {
      const message = `${what}: ${bytes.length} bytes (expected ${wanted.size})`;
      throw new IntegrityError("SIZE_MISMATCH", message);
    }
    verifyDigest(what, bytes, wanted.digest);
    return bytes;
  };
  return {
    resolve: async () => descriptor,
    document: (wanted) => small(wanted, limits.manifestBytes),
    smallBlob: (wanted, limit) => small(wanted, limit),
    async read(wanted, { offset, signal }) {
      throwIfAborted(signal);
      const { offset: start, size } = find(wanted);
      if (offset >= size) return nothing();
      const end = start + size - 1;
      return createReadStream("", { fd: handle, start: start + offset, end, autoClose: false, signal });
    },
    close: () => undefined,
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // An empty blob.
}

/** A whole small member. @throws StoreError CORRUPT if it is over `limit` */
export async function readMember(archive: ArchiveFile, name: string, limit: number): Promise<Uint8Array> {
  const { handle, index } = archive;
  const what = `archive ${printable(index.shown)}: ${printable(name)}`;
  return readRange(handle, index.find(name), { what, limit });
}

async function readRange(
  handle: FileHandle,
  { offset, size }: ArchiveMember,
  { what, limit }: { readonly what: string; readonly limit: number },
): Promise<Uint8Array> {
  if (size > limit) throw new StoreError("CORRUPT", `${what}: ${size} bytes (expected at most ${limit})`);
  const bytes = Buffer.alloc(size);
  const { bytesRead } = size === 0 ? { bytesRead: 0 } : await handle.read(bytes, 0, size, offset);
  return bytes.subarray(0, bytesRead);
}
