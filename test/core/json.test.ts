import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseUntrustedJson } from "../../src/core/json.js";
import { limits } from "../../src/core/limits.js";

function parse(text: string): unknown {
  return parseUntrustedJson(Buffer.from(text));
}

function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

describe("JSON from outside", () => {
  test("reads what JSON.parse reads", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parse(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test.each([
    ["brackets inside strings", JSON.stringify({ a: "[[[[{{{{".repeat(100) })],
    ["escaped quotes before brackets", JSON.stringify('"' + "[".repeat(200))],
    ["a backslash at the end of a string", JSON.stringify(["\\", "[".repeat(200)])],
    ["many siblings", `[${"[],".repeat(10_000)}[]]`],
    ["the deepest nesting allowed", nested(limits.jsonDepth)],
  ])("is not fooled by %s", (_, text) => {
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  test.each([
    ["nested a level too deep", nested(limits.jsonDepth + 1)],
    ["nested without end", "[".repeat(1_000_000)],
    ["objects nested without end", '{"a":'.repeat(100_000)],
    ["a byte order mark", "\ufeff{}"],
    ["cut short", '{"a": [1, 2'],
    ["a NUL", '{"a": 1}\0'],
    ["nothing", ""],
    ["two documents", "{}{}"],
    ["a comment", "{} // x"],
    ["NaN", "[NaN]"],
  ])("is refused: %s", (_, text) => {
    expect(() => parse(text)).toThrow(SyntaxError);
  });

  test("is refused in another encoding than UTF-8", () => {
    expect(() => parseUntrustedJson(Buffer.from([0x22, 0xc3, 0x28, 0x22]))).toThrow();
    expect(() => parseUntrustedJson(Buffer.from('{"a":1}', "utf16le"))).toThrow();
  });
});
