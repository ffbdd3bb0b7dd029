import { expect, test, vi } from "vitest";
import { environmentOf } from "../../src/launch/env.js";

const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function env(image: readonly string[], user: readonly string[] = [], home = "/root"): string[] {
  return environmentOf({ image, user, hostname: "box", home });
}

test.each([
  ["gives PATH, HOSTNAME and HOME to an image with none", [], [], [path, "HOSTNAME=box", "HOME=/root"]],
  ["keeps the image's PATH", ["PATH=/bin"], [], ["PATH=/bin", "HOSTNAME=box", "HOME=/root"]],
  ["keeps the image's HOME", ["HOME=/data"], [], [path, "HOSTNAME=box", "HOME=/data"]],
  ["takes an empty HOME for none", ["HOME="], [], [path, "HOSTNAME=box", "HOME=/root"]],
  ["keeps values with =", ["A=B=C"], [], [path, "HOSTNAME=box", "A=B=C", "HOME=/root"]],
  ["keeps an empty value", ["A="], [], [path, "HOSTNAME=box", "A=", "HOME=/root"]],
  [
    "puts the user's first and lets it win",
    ["A=1", "B=2"],
    ["C=3", "A=x"],
    [path, "HOSTNAME=box", "C=3", "A=x", "B=2", "HOME=/root"],
  ],
  [
    "lets the last of several win",
    ["A=1", "A=2"],
    ["B=1", "B=2"],
    [path, "HOSTNAME=box", "B=2", "A=2", "HOME=/root"],
  ],
  [
    "unsets what the user names without a value",
    ["A=1", "PATH=/bin"],
    ["A", "PATH"],
    ["HOSTNAME=box", "HOME=/root"],
  ],
  ["lets the user set HOSTNAME", [], ["HOSTNAME=x"], [path, "HOSTNAME=x", "HOME=/root"]],
] as const)("%s", (_, image, user, expected) => {
  expect(env(image, user)).toEqual(expected);
});

test("a terminal gives TERM, which the image and the user may change", () => {
  const of = (image: readonly string[], user: readonly string[] = []): string[] =>
    environmentOf({ image, user, hostname: "box", home: "/root", tty: true });
  expect(of([])).toEqual([path, "HOSTNAME=box", "TERM=xterm", "HOME=/root"]);
  expect(of(["TERM=vt100"])).toContain("TERM=vt100");
  expect(of(["TERM=vt100"], ["TERM=linux"])).toContain("TERM=linux");
});

test("never imports the host's environment through image entries without = (CVE-2026-57231)", () => {
  vi.stubEnv("PULLRUN_TEST_SECRET", "host secret");
  const entries = ["PULLRUN_TEST_SECRET", "*", "=x", "", "PULLRUN_*", "A\0=b", "B=c\0d"];
  expect(env(entries)).toEqual([path, "HOSTNAME=box", "HOME=/root"]);
});

test.each(["", "=x", "A=b\0c"])("refuses %j from the command line", (entry) => {
  expect(() => env([], [entry])).toThrow("--env");
});

test("does not confuse variable names with object properties", () => {
  expect(env(["__proto__=x", "constructor=y"])).toContain("__proto__=x");
});
