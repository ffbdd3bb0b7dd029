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

/** What became of a valid document. */
function outcomeOf(text: string): { readonly value: unknown } | { readonly twice: true } {
  try {
    return { value: parse(text) };
  } catch (error) {
    if (error instanceof SyntaxError && error.message.includes("twice")) return { twice: true };
    throw error;
  }
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

  test.each([
    ["a key that is there twice", '{"a":1,"a":2}', "a"],
    ["a key that is there twice, the same both times", '{"a":1,"a":1}', "a"],
    ["a key that is there again after an object", '{"a":{"b":[{}]},"c":"a","a":2}', "a"],
    ["a key that is there twice, deep down", '[{"x":[{"layers":[],"y":1,"layers":[]}]}]', "layers"],
    ["a key that is there twice, once spelt in escapes", '{"layers":[],"\\u006cayers":[]}', "layers"],
    ["the empty key twice", '{"":1,"":2}', ""],
    ["__proto__ twice", '{"__proto__":{},"__proto__":{}}', "__proto__"],
  ])("M1: is refused: %s", (_, text, key) => {
    expect(() => parse(text)).toThrow(new SyntaxError(`the key ${key} is there twice`));
  });

  test.each([
    ["in another object", '[{"a":1},{"a":{"a":["a","a"]}}]'],
    ["as a value", '{"a":"b","b":"a","c":"a"}'],
    ["in another case", '{"a":1,"A":2}'],
    ["with a quote at its end", '{"a\\"":1,"a":2,"a\\\\":3}'],
  ])("M1: may have a key again %s", (_, text) => {
    expect(parse(text)).toEqual(JSON.parse(text));
  });

  test("M1: any document is refused once one of its keys is repeated", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), fc.nat(), (object, n) => {
        const members = Object.entries(object).map(
          ([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`,
        );
        members.push(members[n % members.length] ?? "");
        expect(() => parse(`{${members.join(", ")}}`)).toThrow(/is there twice/);
      }),
    );
  });

  test("reads, or refuses with a SyntaxError, what is almost JSON", () => {
    const soup = fc.stringMatching(/^[{}[\],:"\\abu0041 \n]*$/);
    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ unit: "binary" })), (text) => {
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expect(() => parse(text)).toThrow(SyntaxError);
          return;
        }
        expect(outcomeOf(text)).toBeOneOf([expect.objectContaining({ twice: true }), { value: expected }]);
      }),
    );
  });

  test("is refused in another encoding than UTF-8", () => {
    expect(() => parseUntrustedJson(Buffer.from([0x22, 0xc3, 0x28, 0x22]))).toThrow();
    expect(() => parseUntrustedJson(Buffer.from('{"a":1}', "utf16le"))).toThrow();
  });
});
