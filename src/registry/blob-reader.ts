import type { ReadOptions } from "../core/blobs.js";
import type { Descriptor } from "../core/descriptor.js";
import type { Digest } from "../core/digest.js";
import { openBlob, openBlobRange } from "./blob.js";
import type { Endpoint } from "./endpoints.js";
import type { Failover } from "./failover.js";
import { readResuming } from "./resume.js";
import type { RetryOptions } from "./retry.js";
import { readWide, type Chances, type Tuning } from "./wide-blob.js";

export interface BlobReader {
  /** The blob's bytes from `offset` on, not verified, over as many connections and servers as it takes. */
  read(descriptor: Descriptor, options: ReadOptions & RetryOptions): Promise<AsyncIterable<Uint8Array>>;
}

/** Refusals end it at once; connections that break may do so by chance. */
const chancesToWiden = 3;

/** `name` is the image's, for messages. */
export function createBlobReader(name: string, failover: Failover, tuning?: Tuning): BlobReader {
  /** Who has given bytes of a blob before: if it is asked for again, they were wrong. */
  const givers = new Map<Digest, Set<Endpoint>>();

  return {
    read(descriptor, options) {
      const { signal } = options;
      const what = `blob ${descriptor.digest} of ${name}`;
      const gave = givers.get(descriptor.digest) ?? new Set();
      givers.set(descriptor.digest, gave);
      const avoid = new Set(gave);

      // Where bytes were wrong before, nothing is tried that a server could get wrong.
      const chances: Chances = { left: gave.size === 0 ? chancesToWiden : 0 };

      const open = (offset: number): Promise<AsyncIterable<Uint8Array>> =>
        failover.run(
          "pull",
          async ({ connection, endpoint }) => {
            const { body, hasRanges } = await openBlob(connection, { what, descriptor, offset, signal });
            const lead = watched(body, descriptor.size - offset, {
              start: () => gave.add(endpoint),
              failure: () => avoid.add(endpoint),
            });
            const { spare } = options;
            if (spare === undefined || !hasRanges || chances.left <= 0) return lead;
            const { size } = descriptor;
            return readWide(lead, {
              ...{ offset, size, signal, spare, chances, tuning },
              openRange: (start, end, until) =>
                openBlobRange(connection, { what, descriptor, start, end, signal: until }),
              openRest: async (from) =>
                (await openBlob(connection, { what, descriptor, offset: from, signal })).body,
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
