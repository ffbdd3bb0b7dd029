import type { BlobSource } from "./blobs.js";
import type { Descriptor } from "./descriptor.js";

/** One image somewhere: in a registry, or in an OCI layout on disk. Everything a pull needs of it. */
export interface ImageSource extends BlobSource {
  /** What the reference names now; the digest is a claim until {@link document} has verified it. */
  resolve(signal: AbortSignal): Promise<Descriptor>;
  /** Bytes of a manifest or index, at most `limits.manifestBytes`, hashing to the descriptor's digest. */
  document(descriptor: Descriptor, signal: AbortSignal): Promise<Uint8Array>;
  /** Bytes of a small blob (an image config), at most `limit`, of the descriptor's size and digest. */
  smallBlob(descriptor: Descriptor, limit: number, signal: AbortSignal): Promise<Uint8Array>;
  /** Ends idle connections so that the process can exit. */
  close(): void;
}
