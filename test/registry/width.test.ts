import { describe, expect, test } from "vitest";
import { createWidth, widthDefaults } from "../../src/registry/width.js";

const GB = 1e9;

/** Lets seconds pass in which so many bytes come in, for a reader that waits for them; what is then to be added. */
function measured(options: { readonly left?: number; readonly waitedMs?: number } = {}) {
  let now = 0;
  let connections = 1;
  const width = createWidth(widthDefaults, () => now);
  const verdicts = (rates: readonly number[]): number[] =>
    rates.map((rate) => {
      now += 1000;
      width.arrived(rate);
      width.waited(options.waitedMs ?? 1000);
      const verdict = width.verdict(options.left ?? 10 * GB, connections);
      if (verdict > 0) width.widened(verdict);
      connections += verdict;
      return verdict;
    });
  return verdicts;
}

describe("the number of connections for one blob", () => {
  test("is doubled, up to four, where each is throttled", () => {
    expect(measured()([20e6, 40e6, 80e6, 80e6, 80e6])).toEqual([1, 2, 0, 0, 0]);
  });

  test("stays at what paid", () => {
    expect(measured()([20e6, 40e6, 44e6, 40e6, 40e6])).toEqual([1, 2, -2, 0, 0]);
  });

  test("goes back to one, for good, on a link that all share", () => {
    expect(measured()([5e6, 5.4e6, 5e6, 1e6, 5e6])).toEqual([1, -1, 0, 0, 0]);
  });

  test.each([
    ["the network is as fast as unpacking", 150e6, {}],
    ["the reader hardly waits for the network", 20e6, { waitedMs: 300 }],
    ["little is left", 1e6, { left: 30e6 }],
    ["what is left comes at once anyway", 90e6, { left: 150e6 }],
  ])("stays at one where %s", (_, rate, options) => {
    expect(measured(options)([rate, rate, rate])).toEqual([0, 0, 0]);
  });

  test("is not judged before a second has passed", () => {
    let now = 0;
    const width = createWidth(widthDefaults, () => now);
    now = 999;
    width.waited(999);
    expect(width.verdict(GB, 1)).toBe(0);
    width.restart();
    now = 1998;
    width.waited(999);
    expect(width.verdict(GB, 1)).toBe(0);
    now = 1999;
    expect(width.verdict(GB, 1)).toBe(1);
  });
});
