import type { Descriptor } from "./descriptor.js";
import type { Digest } from "./digest.js";

/** What `pullrun serve` serves: images by name and blobs by digest, from a store, an OCI layout or memory. */
export interface ContentSource {
  /** The manifest or index a tag or digest names in a repository; undefined if there is none. */
  resolve(repository: string, tagOrDigest: string): Promise<Descriptor | undefined>;
  /** A manifest, index or blob; undefined if there is none. */
  open(digest: Digest, range?: ByteRange): Promise<OpenContent | undefined>;
  /** All tags of a repository, empty if there is no such repository. */
  tags(repository: string): Promise<readonly string[]>;
}

/** Bytes from `start` up to, not including, `end`; without `end` up to the last byte. Never beyond the content. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

export interface OpenContent {
  /** Bytes of the whole content, whatever range was asked for. */
  readonly size: number;
  readonly mediaType?: string;
  /** The range's bytes. Lazy: holds no file or other resource until it is iterated, and it need not be. */
  readonly body: AsyncIterable<Uint8Array>;
}
