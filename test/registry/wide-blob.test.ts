import { afterEach, describe, expect, test } from "vitest";
import type { SpareConnections } from "../../src/core/blobs.js";
import type { RetryNotice } from "../../src/registry/retry.js";
import type { Tuning } from "../../src/registry/wide-blob.js";
import {
  addImage,
  memoryContent,
  startTestRegistry,
  type Fault,
  type LoggedRequest,
  type TestRegistry,
  type Trouble,
} from "../support/registry.js";
import { collect, noAbort, openTestRepository, patternBytes } from "../support/registry-client.js";

const content = memoryContent();
const layer = patternBytes(2_000_000);
const image = addImage(content, { repository: "team/app", tag: "v1", layers: [layer], compression: "none" });
const blob = image.layers[0]!;

let registry: TestRegistry | undefined;
afterEach(() => registry?.close());

/** 4 MB/s for each connection at the most, whatever the others do. */
const throttle: Fault = { on: /blobs/, trouble: { kind: "drip", bytes: 20_000, everyMs: 5 } };
/** Twice as many at once, whatever it brings: nothing here depends on how fast this machine is just now. */
const tuning: Tuning = {
  measureMs: 10,
  fastEnough: Infinity,
  leastLeft: 0,
  leastSeconds: 0,
  leastGain: -Infinity,
  rangeBytes: 100_000,
};

interface Spare extends SpareConnections {
  /** Taken and not given back. */
  readonly taken: number;
  readonly most: number;
}

function spareConnections(count: number): Spare {
  const state = { taken: 0, most: 0 };
  const take = (): (() => void) | undefined => {
    if (state.taken === count) return undefined;
    state.taken += 1;
    state.most = Math.max(state.most, state.taken);
    return () => (state.taken -= 1);
  };
  return Object.defineProperties({ take } as Spare, {
    taken: { get: () => state.taken },
    most: { get: () => state.most },
  });
}

interface Reading {
  readonly faults?: readonly Fault[];
  readonly spare?: Spare | undefined;
  readonly tuning?: Tuning;
  readonly offset?: number;
}

async function read({ faults = [], spare = spareConnections(3), offset = 0, ...more }: Reading) {
  registry = await startTestRegistry({ content, faults: [...faults, throttle] });
  const notices: RetryNotice[] = [];
  const source = openTestRepository(`${registry.host}/team/app:v1`, {
    onRetry: (notice) => notices.push(notice),
    tuning: { ...tuning, ...more.tuning },
    timing: { retryBaseMs: 1, stallMs: 500 },
  });
  try {
    const bytes = await collect(await source.read(blob, { offset, signal: noAbort, spare }));
    const blobs = registry.requests.filter(({ url }) => url.includes("blobs"));
    return { isRight: layer.subarray(offset).equals(bytes), notices, blobs, spare };
  } finally {
    source.close();
  }
}

/** First byte and the one after the last, of every request that named both. */
function rangesOf(requests: readonly LoggedRequest[]): [number, number][] {
  return requests.flatMap(({ headers }): [number, number][] => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
    return last === undefined ? [] : [[Number(first), Number(last) + 1]];
  });
}

function onRange(occurrences: readonly number[], trouble: Trouble): Fault {
  return { on: /blobs/, occurrences, trouble };
}

describe("a large blob at a registry that throttles each connection", () => {
  test("is read over several, every byte once, the connections given back at the end", async () => {
    const { isRight, notices, blobs, spare } = await read({});
    expect(isRight).toBe(true);
    expect(notices).toEqual([]);
    expect({ most: spare.most, taken: spare.taken }).toEqual({ most: 3, taken: 0 });
    const ranges = rangesOf(blobs).toSorted(([a], [b]) => a - b);
    const [begin = 0] = ranges[0] ?? [];
    expect(ranges.map(([start]) => start)).toEqual(ranges.map((_, i) => begin + i * 100_000));
    expect(ranges.at(-1)?.[1]).toBe(layer.length);
    // The lead alone has no end: it is left where the first range begins.
    expect(blobs.map(({ headers }) => headers.range).filter((range) => range === undefined)).toHaveLength(1);
  });

  test("goes on from where an earlier download stopped in the same way", async () => {
    const { isRight, blobs } = await read({ offset: 123_456 });
    expect(isRight).toBe(true);
    expect(blobs[0]?.headers.range).toBe("bytes=123456-");
    expect(rangesOf(blobs).length).toBeGreaterThan(1);
  });

  test("comes out in order though its ranges end in another", async () => {
    const slow = onRange([4, 7], { kind: "drip", bytes: 4_000, everyMs: 5 });
    const { isRight, blobs } = await read({ faults: [slow] });
    expect(isRight).toBe(true);
    expect(rangesOf(blobs).length).toBeGreaterThan(3);
  });

  test("is read over no more connections than are to spare", async () => {
    const one = await read({ spare: spareConnections(1) });
    expect({ isRight: one.isRight, most: one.spare.most }).toEqual({ isRight: true, most: 1 });
    await registry?.close();
    const none = await read({ spare: spareConnections(0) });
    expect({ isRight: none.isRight, count: none.blobs.length }).toEqual({ isRight: true, count: 1 });
  });

  test("is read over one again if the second brings next to nothing", async () => {
    const { isRight, blobs, spare } = await read({
      faults: [onRange([2], { kind: "drip", bytes: 500, everyMs: 5 })],
      tuning: { leastGain: 0.4, measureMs: 40 },
    });
    expect({ isRight, most: spare.most, taken: spare.taken }).toEqual({ isRight: true, most: 1, taken: 0 });
    const { length } = rangesOf(blobs);
    expect(length).toBeLessThan(5);
    expect(blobs).toHaveLength(length + 2);
    expect(blobs.at(-1)?.headers.range).toMatch(/^bytes=\d+-$/);
  });

  test.each<[string, Trouble]>([
    ["429", { kind: "reply", status: 429, headers: { "retry-after": "20" } }],
    ["416", { kind: "reply", status: 416 }],
    ["403", { kind: "reply", status: 403 }],
    ["the whole blob", { kind: "ignore-range" }],
    ["another range than it says", { kind: "header", name: "content-range", value: "bytes 0-99999/2000000" }],
    ["a range of another total", { kind: "header", name: "content-range", value: "bytes 0-99999/4000000" }],
    ["no range it names", { kind: "header", name: "content-range", value: undefined }],
  ])("is read over the one that is open if the second is answered with %s", async (_, trouble) => {
    const { isRight, notices, blobs, spare } = await read({
      faults: [onRange([2], trouble)],
      // A quarter of a second until the one that is open gets there: the answer has come by then.
      tuning: { ...tuning, rangeBytes: 1_000_000 },
    });
    expect({ isRight, count: blobs.length, taken: spare.taken }).toEqual({
      isRight: true,
      count: 2,
      taken: 0,
    });
    expect(notices).toEqual([]);
  });

  test.each<[string, Trouble]>([
    ["429", { kind: "reply", status: 429 }],
    ["the whole blob", { kind: "ignore-range" }],
    ["a range cut short", { kind: "truncate", after: 30_000 }],
    ["a reset", { kind: "reset", after: 30_000 }],
    ["silence", { kind: "stall", after: 30_000 }],
  ])("goes on after %s in the middle of it", async (_, trouble) => {
    const { isRight, notices, spare } = await read({ faults: [onRange([5], trouble)] });
    expect({ isRight, notices, taken: spare.taken }).toEqual({ isRight: true, notices: [], taken: 0 });
  });

  test("is tried over several no more than three times if they break", async () => {
    const broken: Fault = { on: /blobs/, trouble: { kind: "reset", after: 0 } };
    const { isRight, blobs } = await read({
      spare: spareConnections(1),
      faults: [{ ...broken, occurrences: Array.from({ length: 50 }, (_, i) => i + 2) }],
    });
    expect({ isRight, count: blobs.length }).toEqual({ isRight: true, count: 4 });
  });

  test("goes on after its lead has broken", async () => {
    const { isRight, notices, spare } = await read({
      faults: [onRange([1], { kind: "truncate", after: 100_000 })],
    });
    expect({ isRight, notices: notices.length, taken: spare.taken }).toEqual({
      isRight: true,
      notices: 1,
      taken: 0,
    });
  });

  test("is read over one connection if the registry does not say that it has ranges", async () => {
    const silent: Fault = {
      on: /blobs/,
      trouble: { kind: "header", name: "accept-ranges", value: undefined },
    };
    const { isRight, blobs } = await read({ faults: [silent] });
    expect({ isRight, count: blobs.length }).toEqual({ isRight: true, count: 1 });
  });

  test("is read over one connection the second time, when a range of the first has been wrong", async () => {
    const spare = spareConnections(3);
    registry = await startTestRegistry({
      content,
      faults: [onRange([3], { kind: "flip", at: 100 }), throttle],
    });
    const source = openTestRepository(`${registry.host}/team/app:v1`, { tuning });
    const bytes = async () => collect(await source.read(blob, { offset: 0, signal: noAbort, spare }));
    expect(layer.equals(await bytes())).toBe(false);
    const before = registry.requests.length;
    expect(layer.equals(await bytes())).toBe(true);
    expect(registry.requests).toHaveLength(before + 1);
    source.close();
  });

  test("is interrupted on all of them, which are given back", async () => {
    registry = await startTestRegistry({ content, faults: [throttle] });
    const { requests } = registry;
    const source = openTestRepository(`${registry.host}/team/app:v1`, { tuning });
    const stop = new AbortController();
    const spare = spareConnections(3);
    const body = await source.read(blob, { offset: 0, signal: stop.signal, spare });
    const reading = (async () => {
      for await (const part of body) if (part.length > 0 && requests.length > 4) stop.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: "INTERRUPTED" });
    await expect.poll(() => spare.taken).toBe(0);
    source.close();
  });
});
