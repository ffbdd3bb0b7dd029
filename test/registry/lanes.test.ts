import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { openLanes, type Lanes } from "../../src/registry/lanes.js";
import { collect, noAbort, patternBytes } from "../support/registry-client.js";

const blob = patternBytes(1000);

interface Scripted {
  readonly lanes: Lanes;
  /** First bytes of the ranges asked for so far. */
  readonly begun: number[];
  /** Lets the range that begins here arrive, or fail. */
  end(start: number, error?: Error): Promise<void>;
}

/** Lanes over `blob` in ranges of 100 bytes, which arrive when the test says so. */
function scripted(): Scripted {
  const begun: number[] = [];
  const gates = new Map<number, PromiseWithResolvers<undefined>>();
  function gateOf(start: number): PromiseWithResolvers<undefined> {
    const gate = gates.get(start) ?? Promise.withResolvers<undefined>();
    gates.set(start, gate);
    return gate;
  }
  const lanes = openLanes({
    start: 0,
    size: blob.length,
    rangeBytes: 100,
    signal: noAbort,
    onBytes: () => undefined,
    openRange(start, end, signal) {
      begun.push(start);
      const gate = gateOf(start);
      signal.addEventListener("abort", () => gate.reject(new Error("aborted")));
      return Promise.resolve(
        (async function* () {
          await gate.promise;
          yield blob.subarray(start, end);
        })(),
      );
    },
  });
  return {
    lanes,
    begun,
    async end(start, error) {
      if (error === undefined) gateOf(start).resolve(undefined);
      else gateOf(start).reject(error);
      await settled();
    },
  };
}

/** Until all that follows from what has just been done is done: nothing here waits for a timer. */
const settled = (): Promise<void> => sleep(1);

const noWait = (): void => undefined;

describe("lanes", () => {
  test("hold no more ranges in memory than there are lanes, and one", async () => {
    const { lanes, begun, end } = scripted();
    for (let i = 0; i < 3; i++) lanes.add({});
    await settled();
    expect(begun).toEqual([0, 100, 200]);
    for (const start of [100, 200, 300, 400, 500]) await end(start);
    expect(begun).toEqual([0, 100, 200, 300]);
    const reading = collect(lanes.read(noWait));
    for (let start = 0; start < 1000; start += 100) await end(start);
    expect(blob.equals(await reading)).toBe(true);
    expect(begun).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
  });

  test("hand on in order what arrives in any", async () => {
    const { lanes, end } = scripted();
    for (let i = 0; i < 4; i++) lanes.add({});
    const reading = collect(lanes.read(noWait));
    for (const start of [300, 100, 200, 400, 0, 700, 600, 800, 500, 900]) await end(start);
    await end(900);
    expect(blob.equals(await reading)).toBe(true);
  });

  test("end before a range that fails, begin no other, and tell why", async () => {
    const { lanes, begun, end } = scripted();
    for (let i = 0; i < 3; i++) lanes.add({});
    await settled();
    const reading = collect(lanes.read(noWait));
    const cause = new Error("no");
    await end(100, cause);
    expect(lanes).toMatchObject({ failure: cause, isUseful: true });
    await end(200);
    await end(0);
    expect(blob.subarray(0, 100).equals(await reading)).toBe(true);
    expect({ begun, useful: lanes.isUseful }).toEqual({ begun: [0, 100, 200], useful: false });
  });

  test("that are taken away end their range first, and say when they have ended", async () => {
    const { lanes, begun, end } = scripted();
    let ended = 0;
    for (let i = 0; i < 2; i++) lanes.add({ onEnd: () => (ended += 1) });
    await settled();
    lanes.remove();
    await end(0);
    expect({ begun, ended, count: lanes.count }).toEqual({ begun: [0, 100], ended: 1, count: 1 });
    lanes.remove();
    await end(100);
    expect({ ended, count: lanes.count }).toEqual({ ended: 2, count: 0 });
    expect(blob.subarray(0, 200).equals(await collect(lanes.read(noWait)))).toBe(true);
  });

  test("all end when they are closed", async () => {
    const { lanes } = scripted();
    let ended = 0;
    for (let i = 0; i < 3; i++) lanes.add({ onEnd: () => (ended += 1) });
    await settled();
    lanes.close();
    await settled();
    expect(ended).toBe(3);
    expect(await collect(lanes.read(noWait))).toHaveLength(0);
  });
});
