import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  chainIds,
  digestOf,
  hexOf,
  isDigest,
  parseDigest,
  verifyDigest,
  type DiffId,
} from "../../src/core/digest.js";
import { sha256 } from "../../src/core/sha256.js";

const hex = "0123456789abcdef".repeat(4);
// FIPS 180-2's own examples.
const empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

test.each([
  ["", empty],
  ["abc", abc],
])("the digest of %j is the published one", (text, expected) => {
  expect(digestOf(Buffer.from(text))).toBe(expected);
});

test.each([55, 56, 63, 64, 65, 119, 120, 16 * 1024, 16 * 1024 + 1, 100_000])(
  "the digest of %i bytes is what Node's crypto module computes",
  (size) => {
    const bytes = Buffer.from(Array.from({ length: size }, (_, i) => (i * 7919 + (i >> 8)) & 0xff));
    expect(digestOf(bytes)).toBe(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
  },
);

test("a small document's digest is what Node's crypto module computes, whatever its bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      expect(sha256(bytes)).toBe(createHash("sha256").update(bytes).digest("hex"));
    }),
  );
});

describe("digest syntax", () => {
  test("takes sha256 and 64 lower-case hex digits", () => {
    expect(hexOf(parseDigest(`sha256:${hex}`))).toBe(hex);
  });

  test.each([
    ["a path that climbs", "sha256:../../etc/passwd"],
    ["upper case", `sha256:${hex.toUpperCase()}`],
    ["63 digits", `sha256:${hex.slice(1)}`],
    ["65 digits", `sha256:${hex}0`],
    ["another algorithm", `md5:${hex.slice(32)}`],
    ["sha512", `sha512:${hex}${hex}`],
    ["no algorithm", hex],
    ["upper case algorithm", `SHA256:${hex}`],
    ["a trailing newline", `sha256:${hex}\n`],
    ["a leading space", ` sha256:${hex}`],
    ["nothing", ""],
    ["a megabyte", `sha256:${"0".repeat(1_000_000)}`],
  ])("refuses %s, shortly", (_, text) => {
    expect(isDigest(text)).toBe(false);
    expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: "BAD_DIGEST" }));
    expect(() => parseDigest(text)).toThrow(/^.{1,200}$/);
  });
});

test("bytes with another digest are refused with both digests named", () => {
  const bytes = Buffer.from("abc");
  expect(() => verifyDigest("config", bytes, parseDigest(abc))).not.toThrow();
  expect(() => verifyDigest("config", bytes, parseDigest(empty))).toThrow(
    `config: digest is ${abc} (expected ${empty})`,
  );
});

test("chain IDs are those of image-spec config.md", () => {
  const ids = ["a", "b", "c"].map((text) => digestOf(Buffer.from(text)) as DiffId);
  const second = createHash("sha256").update(`${ids[0]!} ${ids[1]!}`).digest("hex");
  const third = createHash("sha256").update(`sha256:${second} ${ids[2]!}`).digest("hex");
  expect(chainIds(ids)).toEqual([ids[0], `sha256:${second}`, `sha256:${third}`]);
  expect(chainIds([])).toEqual([]);
});
