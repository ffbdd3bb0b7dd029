import { slowError, stallError } from "./network-errors.js";

/** How slow a download may be before it counts as broken. Milliseconds, and bytes of body. */
export interface Patience {
  /** Longest wait for the next byte. */
  readonly stallMs: number;
  /** Fewest bytes that may come in so much waiting: what drips holds a pull up as surely as what stands still. */
  readonly slowest: { readonly bytes: number; readonly windowMs: number };
}

/** A body that can be given up: got's stream. */
type Body = AsyncIterable<Uint8Array> & { destroy(error?: Error): unknown };

/**
 * The chunks of a body. Only our own waiting counts: a slow disk downstream is no stall of the network.
 * `count` learns of the bytes so far. @throws NetworkError TIMEOUT; what the body throws
 */
export async function* readBody(
  body: Body,
  { url, patience }: { readonly url: URL; readonly patience: Patience },
  count: (received: number) => void,
): AsyncGenerator<Uint8Array> {
  const { stallMs, slowest } = patience;
  let isWaiting = true;
  let received = 0;
  const timer = setTimeout(() => isWaiting && body.destroy(stallError(url, stallMs, received)), stallMs);
  let since = performance.now();
  let waited = 0;
  let mark = 0;
  try {
    for await (const chunk of body) {
      isWaiting = false;
      received += chunk.length;
      count(received);
      waited += performance.now() - since;
      if (waited >= slowest.windowMs) {
        if (received - mark < slowest.bytes) throw slowError(url, received - mark, slowest);
        waited = 0;
        mark = received;
      }
      yield chunk;
      isWaiting = true;
      since = performance.now();
      timer.refresh();
    }
  } finally {
    clearTimeout(timer);
    body.destroy();
  }
}
