import { closeSync, constants, createReadStream, fstatSync, openSync, readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import type { Descriptor } from "../core/descriptor.js";
import { hexOf, verifyDigest, type Digest } from "../core/digest.js";
import { IntegrityError, StoreError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { atomicWrite, unlessAbsent, withStoreErrors } from "./files.js";

/** `blobs/sha256` of this store, or of any OCI layout: the functions here only read, but for {@link putBlob}. */
export interface BlobDirectory {
  readonly blobs: string;
}

export function blobPath({ blobs }: BlobDirectory, digest: Digest): string {
  return `${blobs}/${hexOf(digest)}`;
}

/** Bytes of the blob as it lies there, undefined if there is none. Does not verify. */
export async function blobSize(directory: BlobDirectory, digest: Digest): Promise<number | undefined> {
  const found = await stat(blobPath(directory, digest)).catch(() => undefined);
  return found?.isFile() === true ? found.size : undefined;
}

/** True if the blob is there with the size its descriptor states. */
export async function hasBlob(directory: BlobDirectory, descriptor: Descriptor): Promise<boolean> {
  return (await blobSize(directory, descriptor.digest)) === descriptor.size;
}

/**
 * A blob small enough for memory, of the descriptor's size and digest.
 * @throws StoreError NOT_FOUND, IntegrityError SIZE_MISMATCH (also when over `limit`), DIGEST_MISMATCH
 */
export async function readBlob(
  directory: BlobDirectory,
  descriptor: Descriptor,
  limit: number,
): Promise<Uint8Array> {
  const what = `blob ${descriptor.digest}`;
  const { fd, size } = await openBlob(directory, descriptor.digest);
  try {
    if (size !== descriptor.size || size > limit) {
      const expected = Math.min(descriptor.size, limit);
      throw new IntegrityError("SIZE_MISMATCH", `${what}: size is ${size} bytes (expected ${expected})`);
    }
    const bytes = readFileSync(fd);
    verifyDigest(what, bytes, descriptor.digest);
    return bytes;
  } finally {
    closeSync(fd);
  }
}

export interface BlobRange {
  readonly start: number;
  /** Up to, not including. */
  readonly end?: number;
  readonly signal?: AbortSignal;
}

/** The blob's bytes from `start`, unverified. The file is opened when iteration begins. */
export async function* streamBlob(
  directory: BlobDirectory,
  digest: Digest,
  range: BlobRange,
): AsyncIterable<Uint8Array> {
  const { start, end, signal } = range;
  if (end !== undefined && end <= start) return;
  const { fd } = await openBlob(directory, digest);
  const last = end === undefined ? {} : { end: end - 1 };
  yield* createReadStream("", {
    fd,
    start,
    ...last,
    highWaterMark: 256 * 1024,
    ...(signal ? { signal } : {}),
  });
}

/** Stores a verified document, readable by other tools and writable by none. Safe to call twice. */
export async function putBlob(directory: BlobDirectory, digest: Digest, bytes: Uint8Array): Promise<void> {
  verifyDigest("blob", bytes, digest);
  if ((await blobSize(directory, digest)) === bytes.length) return;
  await atomicWrite(blobPath(directory, digest), bytes, 0o444);
}

/** The descriptor is the caller's to close. */
async function openBlob(
  directory: BlobDirectory,
  digest: Digest,
): Promise<{ readonly fd: number; readonly size: number }> {
  const file = blobPath(directory, digest);
  const fd = await withStoreErrors("blob", file, async () =>
    // O_NONBLOCK: a layout from elsewhere may hold a FIFO under this name, which would block for ever.
    unlessAbsent(() => openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)),
  );
  if (fd === undefined)
    throw new StoreError("NOT_FOUND", `blob ${digest}: not in ${printable(directory.blobs)}`);
  const found = fstatSync(fd);
  if (found.isFile()) return { fd, size: found.size };
  closeSync(fd);
  throw new StoreError("CORRUPT", `blob ${digest}: ${printable(file)} is not a regular file`);
}
