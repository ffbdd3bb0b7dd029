import type { Descriptor } from "./descriptor.js";

/** The seam between registry and store: the registry reads blobs, the store takes them in, neither knows the other. */
export interface BlobSource {
  /**
   * The blob's bytes from `offset` on, exactly as the registry holds them (no content decoding). The source does not
   * verify: size and digest are the sink's duty. Each piece is the reader's own, who may detach its memory. @throws NetworkError, RegistryError, AuthError
   */
  read(descriptor: Descriptor, options: ReadOptions): Promise<AsyncIterable<Uint8Array>>;
}

export interface ReadOptions {
  readonly offset: number;
  /** More connections than one that the blob may be read over; none by default. */
  readonly spare?: SpareConnections;
  readonly signal: AbortSignal;
}

/** Connections beyond one for each blob, shared by all blobs that are on their way. */
export interface SpareConnections {
  /** Takes one, if one is left; the function gives it back. */
  take(): (() => void) | undefined;
}

export interface IngestOptions {
  readonly signal: AbortSignal;
  /** Called with the count of new bytes since the last call. */
  onBytes(count: number): void;
}
