import type { ReadOptions } from "../core/blobs.js";
import type { Descriptor } from "../core/descriptor.js";
import type { Digest } from "../core/digest.js";
import { openBlob } from "./blob.js";
import type { Endpoint } from "./endpoints.js";
import type { Failover } from "./failover.js";
import { readResuming } from "./resume.js";
import type { RetryOptions } from "./retry.js";

export interface BlobReader {
  /** The blob's bytes from `offset` on, not verified, over as many connections and servers as it takes. */
  read(descriptor: Descriptor, options: ReadOptions & RetryOptions): Promise<AsyncIterable<Uint8Array>>;
}

/** `name` is the image's, for messages. */
export function createBlobReader(name: string, failover: Failover): BlobReader {
  /** Who has given bytes of a blob before: if it is asked for again, they were wrong. */
  const givers = new Map<Digest, Set<Endpoint>>();

  return {
    read(descriptor, options) {
      const { signal } = options;
      const what = `blob ${descriptor.digest} of ${name}`;
      const gave = givers.get(descriptor.digest) ?? new Set();
      givers.set(descriptor.digest, gave);
      const avoid = new Set(gave);

      const open = (offset: number): Promise<AsyncIterable<Uint8Array>> =>
        failover.run(
          "pull",
          async ({ connection, endpoint }) => {
            const body = await openBlob(connection, { what, descriptor, offset, signal });
            const expected = descriptor.size - offset;
            return watched(body, expected, {
              start: () => gave.add(endpoint),
              failure: () => avoid.add(endpoint),
            });
          },
          avoid,
        );

      return Promise.resolve(readResuming(open, { ...options, what, descriptor }));
    },
  };
}

/** The same bytes, telling when the first of them comes and when they end too early, with an error or without. */
async function* watched(
  body: AsyncIterable<Uint8Array>,
  expected: number,
  tell: { start(): void; failure(): void },
): AsyncGenerator<Uint8Array> {
  let count = 0;
  try {
    for await (const chunk of body) {
      if (count === 0) tell.start();
      count += chunk.length;
      yield chunk;
    }
    if (count < expected) tell.failure();
  } catch (error) {
    tell.failure();
    throw error;
  }
}
