import { rm } from "node:fs/promises";
import path from "node:path";
import { IntegrityError } from "../core/errors.js";
import type { Helper } from "../helper/helper.js";
import { hasBlob } from "./blobs.js";
import { download, type Download } from "./download.js";
import { withStoreErrors } from "./files.js";
import { openForAppending, publishBlob, removeDownload } from "./ingest.js";
import { createProgress } from "./ingest-protocol.js";
import type { StorePaths } from "./layout.js";
import { withLock } from "./lock.js";
import { hashFile } from "./verify-blob.js";

/**
 * Puts a blob into the store as it is: what an artifact consists of, of any size. As with layers, what has arrived stays
 * after an abort or a kill, and wrong bytes are fetched anew once, then refused.
 * @throws IntegrityError; AbortError, StoreError; what `source` throws
 */
export async function ingestBlob(
  { paths, helper }: { readonly paths: StorePaths; readonly helper: Helper },
  request: Download,
): Promise<void> {
  const { descriptor, signal } = request;
  const directory = paths.ingest(descriptor.digest);
  const lock = { helper, file: path.join(directory, "lock") };
  if (await hasBlob(paths, descriptor)) {
    request.onState("exists");
    return;
  }
  await withStoreErrors("blob", directory, () =>
    withLock(lock, { signal, makeDirectory: true }, async () => {
      const isThere = await hasBlob(paths, descriptor);
      if (!isThere) await fetchTwice(paths, request, path.join(directory, "data"));
      await removeDownload(directory);
      request.onState(isThere ? "exists" : "done");
    }),
  );
}

async function fetchTwice(paths: StorePaths, request: Download, file: string): Promise<void> {
  request.onState("downloading");
  for (const isLast of [false, true]) {
    await openForAppending(file);
    try {
      await download(request, file, createProgress());
      await checkFile(request, file);
      break;
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      await rm(file, { force: true });
      if (isLast) throw error;
    }
  }
  request.onState("storing");
  await publishBlob(paths, request.descriptor, file);
}

async function checkFile({ descriptor, onBytes }: Download, file: string): Promise<void> {
  const found = await hashFile(file);
  if (typeof found === "object" && found.digest === descriptor.digest) return;
  onBytes(-descriptor.size);
  const observed = typeof found === "object" ? `digest is ${found.digest}` : "cannot be read";
  const message = `blob ${descriptor.digest}: ${observed} (expected ${descriptor.digest})`;
  throw new IntegrityError("DIGEST_MISMATCH", message);
}
