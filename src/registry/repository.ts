import type { ReadOptions } from "../core/blobs.js";
import type { Descriptor } from "../core/descriptor.js";
import type { Digest } from "../core/digest.js";
import type { ImageSource } from "../core/image-source.js";
import { limits } from "../core/limits.js";
import { formatReference, type Reference } from "../core/reference.js";
import { openBlob } from "./blob.js";
import { openConnection, type ConnectionOptions } from "./connection.js";
import { fetchDocument, type DocumentRequest } from "./documents.js";
import { acceptHeader, resolveReference } from "./resolve.js";
import { readResuming } from "./resume.js";
import { withRetries, type RetryOptions } from "./retry.js";

export type RepositoryOptions = ConnectionOptions;

/**
 * An image in a registry. Opens no connection by itself; each method asks, retries what may pass (3 attempts) and
 * verifies what it returns, except {@link ImageSource.read}, whose bytes the caller verifies.
 */
export function openRepository(ref: Reference, options: RepositoryOptions): ImageSource {
  const connection = openConnection(ref, options);
  const name = formatReference(ref);
  // Documents that resolving had to read anyway.
  const known = new Map<Digest, Uint8Array>();

  function retry(signal: AbortSignal): RetryOptions {
    return { signal, onRetry: options.onRetry, baseMs: options.timing?.retryBaseMs };
  }

  function get(request: DocumentRequest, descriptor: Descriptor, signal: AbortSignal): Promise<Uint8Array> {
    return withRetries(
      request.what,
      () => fetchDocument(connection, request, { descriptor, signal }),
      retry(signal),
    );
  }

  return {
    async resolve(signal) {
      const what = `manifest of ${name}`;
      const resolve = () => resolveReference(connection, ref, { what, signal });
      const { descriptor, bytes } = await withRetries(what, resolve, retry(signal));
      if (bytes !== undefined) known.set(descriptor.digest, bytes);
      return descriptor;
    },

    async document(descriptor, signal) {
      const { digest } = descriptor;
      const bytes = known.get(digest);
      if (bytes !== undefined) return bytes;
      const what = `manifest ${digest} of ${name}`;
      const path = `manifests/${digest}`;
      const limit = limits.manifestBytes;
      return get(
        { what, path, accept: acceptHeader, limit, missing: "MANIFEST_UNKNOWN" },
        descriptor,
        signal,
      );
    },

    async smallBlob(descriptor, limit, signal) {
      const what = `blob ${descriptor.digest} of ${name}`;
      const path = `blobs/${descriptor.digest}`;
      return get({ what, path, limit, missing: "BLOB_UNKNOWN" }, descriptor, signal);
    },

    read(descriptor: Descriptor, { offset, signal }: ReadOptions) {
      const what = `blob ${descriptor.digest} of ${name}`;
      const open = (at: number) => openBlob(connection, { what, descriptor, offset: at, signal });
      return Promise.resolve(readResuming(open, { what, descriptor, offset, ...retry(signal) }));
    },

    close: () => connection.close(),
  };
}
