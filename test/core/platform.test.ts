import { describe, expect, test } from "vitest";
import {
  formatPlatform,
  hostPlatform,
  normalizePlatform,
  parsePlatform,
  platformCandidates,
  samePlatform,
} from "../../src/core/platform.js";

describe("platforms as users write them", () => {
  test.each([
    ["linux/amd64", "linux/amd64"],
    ["amd64", "linux/amd64"],
    ["x86_64", "linux/amd64"],
    ["x64", "linux/amd64"],
    ["Linux/AMD64", "linux/amd64"],
    ["linux/amd64/v1", "linux/amd64"],
    ["linux/amd64/v3", "linux/amd64/v3"],
    ["i386", "linux/386"],
    ["linux/arm64", "linux/arm64"],
    ["aarch64", "linux/arm64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/arm64/8", "linux/arm64"],
    ["linux/arm64/v9", "linux/arm64/v9"],
    ["linux/arm", "linux/arm/v7"],
    ["armhf", "linux/arm/v7"],
    ["armel", "linux/arm/v6"],
    ["linux/arm/6", "linux/arm/v6"],
    ["linux/riscv64", "linux/riscv64"],
    ["windows/amd64", "windows/amd64"],
  ])("%s is %s", (text, expected) => {
    expect(formatPlatform(parsePlatform(text))).toBe(expected);
  });

  test.each([
    "",
    "/",
    "linux/",
    "linux//v7",
    "linux/arm/v7/x",
    "linux amd64",
    "linux/\u001b[31m",
    "linux/amd64,linux/arm64",
  ])("%j is none", (text) => {
    expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: "BAD_PLATFORM" }));
    expect(() => parsePlatform(text)).not.toThrow(/\u001b/);
  });
});

test("an architecture that objects know as a property is just unknown", () => {
  expect(formatPlatform(normalizePlatform("linux", "constructor"))).toBe("linux/constructor");
});

describe("what an image may have to run on a platform, best first", () => {
  test.each([
    ["linux/amd64", ["linux/amd64"]],
    ["linux/amd64/v3", ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64"]],
    ["linux/arm/v7", ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]],
    ["linux/arm/v5", ["linux/arm/v5"]],
    ["linux/arm64", ["linux/arm64"]],
    ["linux/arm64/v9", ["linux/arm64/v9", "linux/arm64"]],
    ["linux/mips/softfloat", ["linux/mips/softfloat"]],
  ])("%s", (wanted, expected) => {
    expect(platformCandidates(parsePlatform(wanted)).map(formatPlatform)).toEqual(expected);
  });
});

test("the host's platform is a Linux one that normalising leaves alone", () => {
  const host = hostPlatform();
  expect(host.os).toBe("linux");
  expect(samePlatform(parsePlatform(formatPlatform(host)), host)).toBe(true);
});

test("platforms are the same only with the same variant", () => {
  const [v6, v7] = [parsePlatform("linux/arm/v6"), parsePlatform("linux/arm/v7")];
  expect([samePlatform(v6, v6), samePlatform(v6, v7)]).toEqual([true, false]);
});
