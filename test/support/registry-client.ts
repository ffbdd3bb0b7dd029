import type { ImageSource } from "../../src/core/image-source.js";
import { parseReference } from "../../src/core/reference.js";
import { anonymous } from "../../src/registry/credentials.js";
import { noNetworkFiles } from "../../src/registry/endpoints.js";
import { openRepository, type RepositoryOptions } from "../../src/registry/repository.js";

/** Never aborted. */
export const noAbort = new AbortController().signal;

/** A repository client with short pauses; without credentials unless told otherwise. */
export function openTestRepository(reference: string, options: Partial<RepositoryOptions> = {}): ImageSource {
  const timing = { retryBaseMs: 1, stallMs: 10_000, ...options.timing };
  return openRepository(parseReference(reference), {
    credentials: anonymous,
    userAgent: "pullrun-test",
    network: noNetworkFiles,
    ...options,
    timing,
  });
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** Bytes that do not compress and differ everywhere, so that a misplaced range shows. */
export function patternBytes(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = 0x9e3779b9;
  for (let i = 0; i + 4 <= size; i += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt32LE(state, i);
  }
  return bytes;
}
