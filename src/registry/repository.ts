import type { Descriptor } from "../core/descriptor.js";
import type { Digest } from "../core/digest.js";
import type { ImageSource } from "../core/image-source.js";
import { limits } from "../core/limits.js";
import { formatReference, type Reference } from "../core/reference.js";
import { createBlobReader } from "./blob-reader.js";
import type { ConnectionOptions } from "./connection.js";
import { fetchDocument, type DocumentRequest } from "./documents.js";
import { findEndpoints } from "./endpoints.js";
import { createFailover, type Place } from "./failover.js";
import { acceptHeader, resolveReference } from "./resolve.js";
import { withRetries, type RetryOptions } from "./retry.js";
import type { Tuning } from "./wide-blob.js";

export interface RepositoryOptions extends ConnectionOptions {
  /** Allow plain http and unknown certificates at this registry, not at its mirrors. */
  readonly insecure?: boolean;
  /** When a blob is read over several connections; for tests. */
  readonly tuning?: Tuning;
}

/**
 * An image in a registry or its mirrors. Opens no connection by itself; each method asks the mirrors once, the registry
 * with up to 3 attempts at what may pass, and verifies what it returns, except {@link ImageSource.read}, whose bytes
 * the caller verifies: asked a second time for the same bytes, it takes them from another server.
 */
export function openRepository(ref: Reference, options: RepositoryOptions): ImageSource {
  const { network, insecure = false } = options;
  const failover = createFailover(() => findEndpoints(ref, { network, insecure }), options);
  const name = formatReference(ref);
  // Documents that resolving had to read anyway.
  const known = new Map<Digest, Uint8Array>();
  const blobs = createBlobReader(name, failover, options.tuning);

  function retry(signal: AbortSignal): RetryOptions {
    return { signal, onRetry: options.onRetry, baseMs: options.timing?.retryBaseMs };
  }

  function patiently<T>(what: string, task: () => Promise<T>, at: Patience): Promise<T> {
    return at.place.isLast ? withRetries(what, task, retry(at.signal)) : task();
  }

  function get(request: DocumentRequest, descriptor: Descriptor, signal: AbortSignal): Promise<Uint8Array> {
    return failover.run("pull", (place) => {
      const fetch = () => fetchDocument(place.connection, request, { descriptor, signal });
      return patiently(request.what, fetch, { place, signal });
    });
  }

  return {
    async resolve(signal) {
      const what = `manifest of ${name}`;
      const { descriptor, bytes } = await failover.run("resolve", (place) => {
        const resolve = () => resolveReference(place.connection, ref, { what, signal });
        return patiently(what, resolve, { place, signal });
      });
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

    read: (descriptor, readOptions) =>
      blobs.read(descriptor, { ...retry(readOptions.signal), ...readOptions }),

    close: () => failover.close(),
  };
}

interface Patience {
  readonly place: Place;
  readonly signal: AbortSignal;
}
