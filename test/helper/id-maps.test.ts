import { expect, test } from "vitest";
import {
  identityMap,
  isInitialMap,
  mapText,
  parseGetsubids,
  parseIdMap,
  parseSubordinateIds,
  singleMap,
  subordinateMap,
} from "../../src/helper/id-maps.js";

const alice = { uid: 1000, gid: 1000, name: "alice" };

test.each([
  ["by name", "alice:100000:65536\n", [{ start: 100_000, count: 65_536 }]],
  ["by number", "1000:100000:65536", [{ start: 100_000, count: 65_536 }]],
  [
    "several",
    "alice:1:2\nbob:5:6\nalice:7:8\n",
    [
      { start: 1, count: 2 },
      { start: 7, count: 8 },
    ],
  ],
  ["of others only", "bob:100000:65536\nalice2:1:2\n", []],
  ["none", "", []],
  ["empty range", "alice:100000:0", []],
  ["range with root of the host in it", "alice:0:65536", []],
  ["range beyond 32 bits", "alice:4294967000:1000", []],
  ["negative start", "alice:-5:10", []],
  ["fraction", "alice:1.5:10", []],
  ["a field too many", "alice:1:2:3", []],
  ["a field too few", "alice:1", []],
  ["windows line ends", "alice:100000:65536\r\n", [{ start: 100_000, count: 65_536 }]],
])("subordinate ids are found: %s", (_, text, ranges) => {
  expect(parseSubordinateIds(text, alice)).toEqual(ranges);
});

test("a user without a name is found by number only", () => {
  expect(parseSubordinateIds("undefined:1:2\n:3:4\n1000:5:6", { ...alice, name: undefined })).toEqual([
    { start: 5, count: 6 },
  ]);
});

test("getsubids lists ranges with their number and owner", () => {
  expect(parseGetsubids("0: alice 100000 65536\n1: alice 300000 10\n")).toEqual([
    { start: 100_000, count: 65_536 },
    { start: 300_000, count: 10 },
  ]);
  expect(parseGetsubids("Error fetching ranges\n")).toEqual([]);
});

test("the map is ourselves as root, then all ranges without a gap", () => {
  const map = subordinateMap(1000, [
    { start: 100_000, count: 10 },
    { start: 500, count: 3 },
  ]);
  expect(mapText(map)).toBe("0 1000 1\n1 100000 10\n11 500 3\n");
  expect(mapText(singleMap(7))).toBe("0 7 1\n");
});

test.each([
  ["the machine's own", "         0          0 4294967295\n", true],
  ["a rootless container's", "         0       1000          1\n         1     100000      65536\n", false],
  ["a namespace that shifts", "0 100000 4294867295", false],
])("the initial user namespace is told from others: %s", (_, text, initial) => {
  expect(isInitialMap(parseIdMap(text))).toBe(initial);
});

test("inside a user namespace each of its ids stays itself", () => {
  const own = parseIdMap("         0       1000          1\n         1     100000      65536\n");
  expect(mapText(identityMap(own))).toBe("0 0 1\n1 1 65536\n");
});
