import { expect, test } from "vitest";
import { resolveUser } from "../../src/launch/user.js";

const passwd = [
  "root:x:0:0:root:/root:/bin/sh",
  "bin:x:1:1:bin:/bin:/sbin/nologin",
  "app:x:1000:1001:App:/home/app:/bin/sh",
  "nobody:x:65534:65534:nobody:/:/sbin/nologin",
].join("\n");
const group = [
  "root:x:0:root",
  "bin:x:1:root,bin,daemon",
  "app:x:1001:",
  "wheel:x:10:root,app",
  "tty:x:5:app",
].join("\n");

test.each([
  ["", { uid: 0, gid: 0, groups: [0, 1, 10], home: "/root" }],
  ["root", { uid: 0, gid: 0, groups: [0, 1, 10], home: "/root" }],
  ["0", { uid: 0, gid: 0, groups: [0, 1, 10], home: "/root" }],
  ["app", { uid: 1000, gid: 1001, groups: [1001, 10, 5], home: "/home/app" }],
  ["1000", { uid: 1000, gid: 1001, groups: [1001, 10, 5], home: "/home/app" }],
  ["app:tty", { uid: 1000, gid: 5, groups: [5], home: "/home/app" }],
  ["app:77", { uid: 1000, gid: 77, groups: [77], home: "/home/app" }],
  ["app:", { uid: 1000, gid: 1001, groups: [1001, 10, 5], home: "/home/app" }],
  [":tty", { uid: 0, gid: 5, groups: [5], home: "/root" }],
  ["4242", { uid: 4242, gid: 0, groups: [0], home: "/" }],
  ["4242:4343", { uid: 4242, gid: 4343, groups: [4343], home: "/" }],
  ["2147483647", { uid: 2147483647, gid: 0, groups: [0], home: "/" }],
] as const)("resolves %j in the image's accounts", (user, expected) => {
  expect(resolveUser(user, { passwd, group })).toEqual(expected);
});

test.each<[user: string, problem: string, why: string]>([
  ["4294967296", "out of range", "CVE-2024-40635: wraps to root"],
  ["2147483648", "out of range", "above int32"],
  ["-1", "out of range", "negative"],
  ["+0", "out of range", "a sign is no part of an id"],
  ["99999999999", "out of range", "a number is never looked up as a name (CVE-2026-46680)"],
  ["app:4294967296", "out of range", "groups as well"],
  ["app:-1", "out of range", "groups as well"],
  ["missing", "no user missing", "no such name"],
  ["app:missing", "no group missing", "no such group"],
  ["app:tty:x", "more than one colon", "not a user"],
  ["ro\u001b[2Jot", "no user ro?[2Jot", "printed safely"],
  ["1e3", "no user 1e3", "only plain digits are numbers"],
  ["0x0", "no user 0x0", "only plain digits are numbers"],
])("refuses %j: %s (%s)", (user, problem) => {
  const mapped = `${passwd}\n99999999999:x:0:0::/root:/bin/sh\n-1:x:0:0::/:/bin/sh\n4294967296:x:0:0::/:`;
  try {
    resolveUser(user, { passwd: mapped, group });
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ code: "BAD_USER", message: expect.stringContaining(problem) as string });
  }
});

test.each([
  ["without account files", {}, "0", { uid: 0, gid: 0, groups: [0], home: "/" }],
  [
    "with CRLF line ends",
    { passwd: "a:x:7:8::/a:/bin/sh\r\n", group: "g:x:9:a\r\n" },
    "a",
    { uid: 7, groups: [8, 9] },
  ],
  [
    "past malformed lines",
    { passwd: ":::\nevil\nevil:x\nevil:x::\na:x:7:8\n" },
    "a",
    { uid: 7, gid: 8, home: "/" },
  ],
  ["past NIS and comment lines", { passwd: "+::0:0:::\n#a:x:0:0::/:\na:x:7:8::/a:" }, "a", { uid: 7 }],
  ["by the first line that matches", { passwd: "a:x:7:7::/1:\na:x:0:0::/2:" }, "a", { uid: 7, home: "/1" }],
  ["ignoring a relative home", { passwd: "a:x:7:7::home:" }, "a", { home: "/" }],
  ["ignoring a home with a NUL byte", { passwd: "a:x:7:7::/a\0b:" }, "a", { home: "/" }],
  [
    "ignoring group lines with ids out of range",
    { passwd: "a:x:7:7::/:", group: "g:x:4294967296:a" },
    "a",
    { groups: [7] },
  ],
] as const)("resolves users %s", (_, files, user, expected) => {
  expect(resolveUser(user, files)).toMatchObject(expected);
});

test.each(["evil", "evil:x"])("does not make root of a passwd line cut short: %j", (line) => {
  expect(() => resolveUser("evil", { passwd: line })).toThrow("no user evil");
});

test("finds a user behind ten thousand others", () => {
  const many = Array.from({ length: 10_000 }, (_, i) => `u${i}:x:${i}:${i}::/home/u${i}:/bin/sh`).join("\n");
  expect(resolveUser("u9999", { passwd: many })).toMatchObject({ uid: 9999, home: "/home/u9999" });
});
