import { describe, expect, test } from "vitest";
import type { IdMapping, Privilege } from "../../src/helper/privilege.js";
import { chooseIds } from "../../src/helper/user-namespace.js";
import { confined, imageConfig, root, runOptions, single, spec, subordinate } from "../launch/samples.js";

function kept(uidMap: readonly (readonly [number, number, number])[]): string[] {
  const map: IdMapping[] = uidMap.map(([inside, outside, count]) => ({ inside, outside, count }));
  const privilege = {
    kind: "subordinate",
    uidMap: map,
    gidMap: map,
    newuidmap: "u",
    newgidmap: "g",
  } as const;
  const made = chooseIds(privilege, "keep-id");
  if (made.kind !== "subordinate") throw new Error(made.kind);
  expect(made.gidMap).toEqual(made.uidMap);
  return made.uidMap.map(({ inside, outside, count }) => `${inside} ${outside} ${count}`);
}

describe("--userns keep-id", () => {
  test.each([
    [
      "below and above ourselves",
      [
        [0, 1000, 1],
        [1, 100000, 65536],
      ],
      ["0 100000 1000", "1000 1000 1", "1001 101000 64536"],
    ],
    [
      "of several ranges, the second cut in two",
      [
        [0, 50, 1],
        [1, 100000, 20],
        [21, 300000, 100],
        [121, 500000, 5],
      ],
      ["0 100000 20", "20 300000 30", "50 50 1", "51 300030 70", "121 500000 5"],
    ],
    [
      "of a range that ends where we are",
      [
        [0, 20, 1],
        [1, 100000, 20],
      ],
      ["0 100000 20", "20 20 1"],
    ],
    [
      "fewer than our own id",
      [
        [0, 5000, 1],
        [1, 100000, 10],
      ],
      ["0 100000 10", "5000 5000 1"],
    ],
  ] as [string, [number, number, number][], string[]][])(
    "gives the subordinate ids %s",
    (_, before, after) => {
      expect(kept(before)).toEqual(after);
    },
  );

  test("changes nothing for root of a user namespace, who is root already", () => {
    expect(kept([[0, 0, 65536]])).toEqual(["0 0 65536"]);
  });

  test("runs as ourselves, whatever the image says, unless told otherwise", () => {
    const privilege = chooseIds(subordinate, "keep-id");
    const image = imageConfig({ user: "7:8" });
    expect(spec({ image, privilege }).process.user).toMatchObject({ uid: 1000, gid: 1000 });
    expect(spec({ image, privilege, options: runOptions({ user: "3:4" }) }).process.user).toMatchObject({
      uid: 3,
      gid: 4,
    });
    expect(spec({ image, privilege: subordinate }).process.user).toMatchObject({ uid: 7, gid: 8 });
  });

  test("gives the one id there is to ourselves", () => {
    const { linux, process } = spec({ privilege: chooseIds(single, "keep-id") });
    expect(process.user).toMatchObject({ uid: 12345, gid: 12345 });
    expect(linux.uidMappings).toEqual([{ containerID: 12345, hostID: 12345, size: 1 }]);
  });
});

test.each([
  ["keep-id", root, /^--userns keep-id: we are root .*expected an ordinary user/],
  ["keep-id", confined, /^--userns keep-id: no user namespaces here: unshare: EPERM/],
  ["nomap", subordinate, /^--userns nomap: not possible here/],
  ["nomap", root, /^--userns nomap: not possible here/],
  ["auto", subordinate, /^--userns: auto \(expected host or keep-id\)/],
  ["keep-id:uid=1", subordinate, /^--userns: keep-id:uid=1 \(expected host or keep-id\)/],
] as [string, Privilege, RegExp][])("--userns %s is refused in one line: %j", (mode, privilege, message) => {
  expect(() => chooseIds(privilege, mode)).toThrow(message);
});
