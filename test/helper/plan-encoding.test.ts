import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodePlan, stepLayouts } from "../../src/helper/plan-encoding.js";
import type { Plan, Step } from "../../src/helper/plan.js";
import { fork, helperPath, isRoot, sanitizedHelperPath, stranger, temporaryDirectory } from "./support.js";

const header = readFileSync(new URL("../../helper/plan.h", import.meta.url), "utf8");

function tableInHeader(): Map<string, { number: number; types: string }> {
  const rows = header.matchAll(/^ {2}X \((\d+), [A-Z_]+, "([a-z-]+)", "([a-zA-Z]*)", /gm);
  return new Map(
    [...rows].map(([, number, kind = "", types = ""]) => [kind, { number: Number(number), types }]),
  );
}

test("numbers and arguments of all steps are those of helper/plan.h", () => {
  const ours = Object.entries(stepLayouts).map(([kind, { number, types }]) => [
    kind,
    { number, types: types.replace("G", "iI") },
  ]);
  expect(tableInHeader()).toEqual(new Map(ours as [string, { number: number; types: string }][]));
});

test("every layout has as many letters as fields", () => {
  for (const { types, fields } of Object.values(stepLayouts)) expect(fields).toHaveLength(types.length);
});

test("a step is kind, flags, argument count and framed arguments, all little endian", () => {
  const plan: Plan = [{ kind: "write", path: "/a", data: "x\0y", optional: true }];
  const hex = "50554c4c52554e31 0300 0100 02000000 02000000 2f61 00 03000000 780079 00".replaceAll(" ", "");
  expect(encodePlan(plan).toString("hex")).toBe(hex);
});

test.each([
  ["number", 0x1_2345_6789, "8967452301000000"],
  ["capability mask with bit 63", 1n << 63n, "0000000000000080"],
  ["all capabilities written as ~0n", ~0n, "ffffffffffffffff"],
])("an integer has 8 bytes: %s", (_, value, hex) => {
  const bytes = encodePlan([credentials(BigInt(value))]);
  expect(bytes.subarray(8 + 8 + 2 * 13 + 4, 8 + 8 + 2 * 13 + 12).toString("hex")).toBe(hex);
});

test("no groups and unchanged groups are written differently", () => {
  const none = encodePlan([{ ...credentials(0n), groups: [] }]);
  const unchanged = encodePlan([{ ...credentials(0n), groups: undefined }]);
  expect(none).not.toEqual(unchanged);
});

test("a NUL in a string is refused instead of cutting it", () => {
  expect(() => encodePlan([{ kind: "exec", argv: ["sh", "a\0b"] }])).toThrow("string with a NUL character");
});

function credentials(bounding: bigint): Extract<Step, { kind: "credentials" }> {
  return {
    kind: "credentials",
    uid: 0,
    gid: 0,
    groups: [],
    bounding,
    permitted: 0n,
    effective: 0n,
    inheritable: 0n,
    ambient: 0n,
  };
}

describe("the helper, given a hostile plan", () => {
  /** Not as root: of all bytes, some may happen to be a plan. */
  function runBytes(bytes: Uint8Array): { status: number | null; stderr: string } {
    const file = join(temporaryDirectory(), "plan");
    writeFileSync(file, bytes);
    const identity = ["--reuid", String(stranger), "--regid", String(stranger), "--clear-groups"];
    const drop = isRoot ? ["setpriv", ...identity] : [];
    const args = ["-c", 'exec "$@" 3< "$0"', file, ...drop, sanitizedHelperPath(), "run", "fd:3"];
    const { status, stderr } = spawnSync("sh", args, { encoding: "utf8" });
    return { status, stderr };
  }

  const harmless: Plan = [
    { kind: "hint", text: "no" },
    fork,
    { kind: "umask", mask: 0o22 },
    { kind: "exec", argv: ["/"] },
  ];

  test("refuses one cut at any byte, and runs what is whole", { timeout: 120_000 }, () => {
    const bytes = encodePlan(harmless);
    const ends = new Set(harmless.map((_, index) => encodePlan(harmless.slice(0, index + 1)).length));
    for (let size = 0; size <= bytes.length; size++) {
      const { status, stderr } = runBytes(bytes.subarray(0, size));
      const expected = size === bytes.length ? 126 : ends.has(size) ? 0 : 125;
      expect(status, `${size} of ${bytes.length} bytes: ${stderr}`).toBe(expected);
    }
  });

  test.each([0, 1, 2])("does not take descriptor %i for a plan", (fd) => {
    const plan = join(temporaryDirectory(), "plan");
    writeFileSync(plan, encodePlan([{ kind: "exit", code: 0 }]));
    const from = openSync(plan, "r");
    const stdio = [0, 1, 2].map((number) => (number === fd ? from : "pipe"));
    const { status } = spawnSync(helperPath(), ["run", `fd:${fd}`], { stdio });
    closeSync(from);
    expect(status).toBe(125);
  });

  test("ends with 125 and a message on any bytes, and never crashes", { timeout: 120_000 }, () => {
    const magic = Buffer.from("PULLRUN1");
    const records = fc.array(fc.uint8Array({ minLength: 9, maxLength: 64 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(records, fc.boolean(), (parts, withMagic) => {
        const { status, stderr } = runBytes(Buffer.concat(withMagic ? [magic, ...parts] : parts));
        expect(stderr).toMatch(/^pullrun: /);
        expect(status).toBe(125);
      }),
      { numRuns: 100 },
    );
  });
});
