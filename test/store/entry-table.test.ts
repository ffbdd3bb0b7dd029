import fc from "fast-check";
import { expect, test } from "vitest";
import { StoreError } from "../../src/core/errors.js";
import { entryTypes, type LayerEntry } from "../../src/store/entry.js";
import { createEntryTableWriter, readEntryTable } from "../../src/store/entry-table.js";

function encode(entries: readonly LayerEntry[]): Buffer {
  const pieces: Buffer[] = [];
  const writer = createEntryTableWriter((piece) => pieces.push(Buffer.from(piece)));
  entries.forEach((entry) => writer.add(entry));
  writer.finish();
  return Buffer.concat(pieces);
}

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const integer = (max: number) => fc.integer({ min: 0, max });
const anyEntry: fc.Arbitrary<LayerEntry> = fc.record({
  path: bytes(50),
  type: fc.constantFrom(...entryTypes),
  mode: integer(0o7777),
  uid: integer(2 ** 32 - 2),
  gid: integer(2 ** 32 - 2),
  size: integer(Number.MAX_SAFE_INTEGER),
  mtime: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
  mtimeNs: integer(999_999_999),
  link: bytes(50),
  major: integer(2 ** 32 - 1),
  minor: integer(2 ** 32 - 1),
  xattrs: fc.array(fc.record({ name: bytes(20), value: bytes(100) }), { maxLength: 3 }),
  offset: integer(Number.MAX_SAFE_INTEGER),
});

const sample: LayerEntry = {
  path: Buffer.from("a/b"),
  type: "file",
  mode: 0o644,
  uid: 1,
  gid: 2,
  size: 3,
  mtime: -4,
  mtimeNs: 5,
  link: Buffer.alloc(0),
  major: 0,
  minor: 0,
  xattrs: [{ name: Buffer.from("user.x"), value: Buffer.from([0, 255]) }],
  offset: 512,
};

test("gives back every entry exactly", () => {
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 20 }), (entries) => {
      expect([...readEntryTable("layer", encode(entries))]).toEqual(entries);
    }),
  );
});

test("holds records larger than its buffer, and more of them than fit into it", () => {
  const large = { ...sample, xattrs: [{ name: Buffer.from("user.large"), value: Buffer.alloc(400_000, 7) }] };
  const entries = [large, ...Array.from({ length: 5000 }, () => sample), large];
  expect([...readEntryTable("layer", encode(entries))]).toEqual(entries);
});

test("refuses a table cut short at any byte", () => {
  const table = encode([sample, sample]);
  for (let length = 0; length < table.length; length++) {
    expect(() => [...readEntryTable("layer", table.subarray(0, length))]).toThrow(StoreError);
  }
});

test("refuses a table with more behind it", () => {
  expect(() => [...readEntryTable("layer", Buffer.concat([encode([sample]), Buffer.alloc(1)]))]).toThrow(
    StoreError,
  );
});

test.each<[string, Partial<LayerEntry>]>([
  ["a size of half a byte", { size: 0.5 }],
  ["a size below zero", { size: -1 }],
  ["a size beyond 2^53", { size: 2 ** 53 }],
  ["an offset that is no number", { offset: NaN }],
  ["an offset below zero", { offset: -512 }],
  ["an endless time", { mtime: Infinity }],
  ["a second of more than 10^9 nanoseconds", { mtimeNs: 1e9 }],
])("refuses %s, which no tar has", (_name, damage) => {
  expect(() => [...readEntryTable("layer", encode([{ ...sample, ...damage }]))]).toThrow(StoreError);
});

test("reads damaged tables without any other kind of failure", () => {
  const table = encode([sample, { ...sample, link: Buffer.from("target") }]);
  fc.assert(
    fc.property(fc.nat(table.length - 1), fc.nat(255), (at, byte) => {
      const bad = Buffer.from(table);
      bad[at] = byte;
      try {
        expect([...readEntryTable("layer", bad)].length).toBeLessThanOrEqual(2);
      } catch (error) {
        expect(error).toBeInstanceOf(StoreError);
      }
    }),
  );
});
