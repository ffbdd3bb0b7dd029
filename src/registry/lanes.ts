import { createRangeQueue, type Range, type RangeQueue } from "./range-queue.js";

/** Bytes `start` up to, not including, `end` of the blob, over a connection of their own. */
export type OpenRange = (
  start: number,
  end: number,
  signal: AbortSignal,
) => Promise<AsyncIterable<Uint8Array>>;

/**
 * What a range holds is kept in memory until its turn: large enough that its request does not count, and small enough that
 * some of them, of several layers, do not either.
 */
export const defaultRangeBytes = 8 * 1024 * 1024;

export interface LanesOptions {
  readonly openRange: OpenRange;
  /** First byte that the lanes are to bring, and the end of the blob. */
  readonly start: number;
  readonly size: number;
  readonly rangeBytes: number;
  readonly signal: AbortSignal;
  /** Told of bytes as they come in, in whatever order. */
  onBytes(count: number): void;
}

/** What is to happen in the life of a lane. */
export interface Lane {
  onFirstByte?(): void;
  onEnd?(): void;
}

/** Several connections that fetch ranges of one blob, each the next one that nobody has taken. */
export interface Lanes {
  /** Lanes at work. */
  readonly count: number;
  /** Why one has failed; from then on no range is begun any more. */
  readonly failure: unknown;
  /** False if there is nothing to {@link read}, nor will be. */
  readonly isUseful: boolean;
  add(lane: Lane): void;
  /** Ends one lane when it is through with its range. */
  remove(): void;
  /** Bytes in order from `start` on, up to the end of the blob or of what came before a failure or the end of all lanes. */
  read(onWait: (ms: number) => void): AsyncGenerator<Uint8Array>;
  /** Ends all at once. */
  close(): void;
}

export function openLanes(options: LanesOptions): Lanes {
  const queue = createRangeQueue(options);
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  let count = 0;
  let surplus = 0;
  let failure: unknown;

  /** The next range, once there is room for it: one for each lane and one more may wait for their turn. */
  async function take(): Promise<Range | undefined> {
    for (;;) {
      if (failure !== undefined || queue.isThrough || signal.aborted) return undefined;
      if (surplus > 0) {
        surplus -= 1;
        return undefined;
      }
      if (queue.length <= count) return queue.begin();
      await queue.changed();
    }
  }

  async function run({ onFirstByte, onEnd }: Lane): Promise<void> {
    count += 1;
    let isFirst = true;
    for (let range = await take(); range !== undefined; range = await take()) {
      const body = options.openRange(range.start, range.end, signal);
      const problem = await fill(range, body, (length) => {
        if (isFirst) onFirstByte?.();
        options.onBytes(length);
        isFirst = false;
        queue.change();
      });
      failure ??= problem;
      queue.change();
    }
    count -= 1;
    onEnd?.();
    queue.change();
  }

  return {
    get count() {
      return count;
    },
    get failure() {
      return failure;
    },
    get isUseful() {
      return queue.first === undefined ? count > 0 : !isSpent(queue.first);
    },
    add: (lane) => void run(lane),
    remove() {
      surplus += 1;
      queue.change();
    },
    read: (onWait) => readQueue(queue, { isEmpty: () => count === 0, onWait }),
    close() {
      stop.abort();
      queue.change();
    },
  };
}

function isSpent({ state, parts }: Range): boolean {
  return state === "failed" && parts.length === 0;
}

/** Takes the range's bytes in; why that failed, or undefined. */
async function fill(
  range: Range,
  body: Promise<AsyncIterable<Uint8Array>>,
  onPart: (length: number) => void,
): Promise<unknown> {
  try {
    for await (const part of await body) {
      range.parts.push(part);
      onPart(part.length);
    }
    range.state = "whole";
    return undefined;
  } catch (error) {
    range.state = "failed";
    return error;
  }
}

/** What the ranges hold, in order. Ends at one that has failed, or with the last one if nobody brings another. */
async function* readQueue(
  queue: RangeQueue,
  { isEmpty, onWait }: { readonly isEmpty: () => boolean; readonly onWait: (ms: number) => void },
): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { first } = queue;
    if (first === undefined && isEmpty()) return;
    const part = first?.parts.shift();
    if (part !== undefined) yield part;
    else if (first !== undefined && isSpent(first)) return;
    else if (first?.state === "whole") {
      queue.dropFirst();
      queue.change();
    } else {
      const since = performance.now();
      await queue.changed();
      onWait(performance.now() - since);
    }
  }
}
