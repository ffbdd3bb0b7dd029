import { readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Descriptor } from "../core/descriptor.js";
import { digestOf, type Digest } from "../core/digest.js";
import { errnoOf } from "../core/errors.js";
import type { Helper } from "../helper/helper.js";
import { hasBlob, putBlob, readBlob } from "./blobs.js";
import { withStoreErrors } from "./files.js";
import { removeDownload } from "./ingest.js";
import type { StorePaths } from "./layout.js";
import { withLock } from "./lock.js";

export interface DocumentContext {
  readonly paths: StorePaths;
  readonly helper: Helper;
}

export interface DocumentRequest {
  readonly descriptor: Descriptor;
  /** Most bytes it may have. */
  readonly limit: number;
  /** Verified bytes from where the image comes from. */
  fetch(): Promise<Uint8Array>;
  readonly signal: AbortSignal;
}

/**
 * A small blob of an image being pulled: fetched once, however many processes want it. It waits beside the layers'
 * downloads until {@link settleDocument} makes it visible. @throws what `fetch` throws; StoreError
 */
export async function ingestDocument(
  context: DocumentContext,
  request: DocumentRequest,
): Promise<Uint8Array> {
  const { paths, helper } = context;
  const { descriptor, limit, signal } = request;
  const stored = async () =>
    (await hasBlob(paths, descriptor)) ? readBlob(paths, descriptor, limit) : undefined;
  const there = await stored();
  if (there !== undefined) return there;
  const directory = paths.ingest(descriptor.digest);
  return withStoreErrors("document", directory, () =>
    withLock(lockOf(directory, helper), { signal, makeDirectory: true }, async () => {
      const data = path.join(directory, "data");
      const meanwhile = (await stored()) ?? (await readAside(data, descriptor.digest));
      if (meanwhile !== undefined) return meanwhile;
      const bytes = await request.fetch().catch(async (error: unknown) => {
        await removeDownload(directory);
        throw error;
      });
      // Neither atomic nor synced: a reader looks at the digest, and can fetch it again.
      await writeFile(data, bytes, { mode: 0o600 });
      return bytes;
    }),
  );
}

/** Stores a verified document and forgets what was put aside of it. */
export async function settleDocument(
  { paths, helper }: DocumentContext,
  digest: Digest,
  bytes: Uint8Array,
): Promise<void> {
  await putBlob(paths, digest, bytes);
  const directory = paths.ingest(digest);
  const isAside = await stat(directory).then(
    () => true,
    () => false,
  );
  if (isAside)
    await withLock(lockOf(directory, helper), { makeDirectory: true }, () => removeDownload(directory));
}

function lockOf(directory: string, helper: Helper) {
  return { helper, file: path.join(directory, "lock") };
}

async function readAside(file: string, digest: Digest): Promise<Uint8Array | undefined> {
  const bytes = await readFile(file).catch((error: unknown) => {
    if (errnoOf(error) !== "ENOENT") throw error;
  });
  return bytes !== undefined && digestOf(bytes) === digest ? bytes : undefined;
}
