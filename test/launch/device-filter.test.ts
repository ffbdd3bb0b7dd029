import { describe, expect, test } from "vitest";
import { compileDeviceFilter, deviceSteps } from "../../src/launch/device-filter.js";
import { devicePolicy, type DevicePolicy } from "../../src/launch/device-policy.js";
import type { DeviceRule } from "../../src/launch/oci-spec.js";
import { allows, type DeviceAccess } from "../support/ebpf.js";
import { runOptions, spec } from "./samples.js";

function asked(text: string): DeviceAccess {
  const [, type, major, minor, access = ""] = /^([cb]) ([0-9]+):([0-9]+) ([rwm]+)$/.exec(text) ?? [];
  return { type: type === "b" ? "b" : "c", major: Number(major), minor: Number(minor), access };
}

function isAllowed(deviceRules: readonly DeviceRule[], access: string): boolean {
  const { devices } = spec({ options: runOptions({ deviceRules }) }).linux.resources;
  return allows(compileDeviceFilter(devicePolicy(devices)), asked(access));
}

const usb: DeviceRule = { allow: true, type: "c", major: 189, access: "rw" };
const disk: DeviceRule = { allow: true, type: "b", major: 8, minor: 1, access: "r" };
const all: DeviceRule = { allow: true, access: "rwm" };

describe("the filter of a container", () => {
  test.each([
    // docker's and the runtimes': null, zero, full, random, urandom, tty, console, ptmx, terminals
    ...["1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:1", "5:2", "136:7"].map((n) => [[], `c ${n} rwm`]),
    // any node may be made
    [[], "c 10:229 m"],
    [[], "b 8:0 m"],
    [[usb], "c 189:0 rw"],
    [[usb], "c 189:1048575 r"],
    [[usb], "c 189:3 m"],
    [[disk], "b 8:1 r"],
    [[all], "b 8:0 rwm"],
    [[all], "c 10:229 rw"],
    [[all], "c 5:1 rw"],
    // two rules for one device are one, as in the kernel's list
    [[disk, { ...disk, access: "w" }], "b 8:1 rw"],
    [[{ allow: true, type: "b", access: "r" }], "b 259:4 r"],
  ] as [DeviceRule[], string][])("with %j allows %s", (rules, access) => {
    expect(isAllowed(rules, access)).toBe(true);
  });

  test.each([
    [[], "c 10:229 r"],
    [[], "b 8:0 r"],
    [[], "c 1:1 r"],
    [[], "b 1:3 r"],
    [[], "c 8:0 rm"],
    [[usb], "c 189:0 rwm"],
    [[usb], "b 189:0 r"],
    [[usb], "c 190:0 r"],
    [[disk], "b 8:1 w"],
    [[disk], "b 8:1 rw"],
    [[disk], "b 8:2 r"],
    [[disk], "c 8:1 r"],
    [[{ allow: true, type: "b", access: "r" }], "c 259:4 r"],
    // what another letter of the same device allows by another number does not add up, as in the kernel
    [[usb, { ...usb, minor: 1, access: "m" }], "c 189:1 rwm"],
    [[all, { allow: false, type: "b", access: "w" }], "b 8:0 rw"],
    [[all, { allow: false, type: "c", major: 10, minor: 229, access: "rwm" }], "c 10:229 r"],
  ] as [DeviceRule[], string][])("with %j refuses %s", (rules, access) => {
    expect(isAllowed(rules, access)).toBe(false);
  });
});

/** security/device_cgroup.c, devcgroup_check_permission. */
function kernelSays({ allow, exceptions }: DevicePolicy, wanted: DeviceAccess): boolean {
  const matching = exceptions.filter(
    ({ type, major = wanted.major, minor = wanted.minor }) =>
      type === wanted.type && major === wanted.major && minor === wanted.minor,
  );
  const letters = Array.from(wanted.access);
  if (allow) return !matching.some(({ access }) => letters.some((letter) => access.includes(letter)));
  return matching.some(({ access }) => letters.every((letter) => access.includes(letter)));
}

test("the program says what the kernel's list says, whatever the rules", () => {
  let state = 7;
  const random = (limit: number): number => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * limit);
  };
  const letters = ["r", "w", "m", "rw", "rm", "wm", "rwm"];
  const answers = new Set<string>();
  for (let round = 0; round < 300; round++) {
    const rules = Array.from({ length: random(8) }, (): DeviceRule => {
      const allow = random(3) > 0;
      if (random(6) === 0) return { allow, access: "rwm" };
      const numbers = [{}, { major: random(3) }, { major: random(3), minor: random(3) }][random(3)];
      return { allow, type: random(2) ? "c" : "b", ...numbers, access: letters[random(7)] ?? "" };
    });
    const policy = devicePolicy(rules);
    const program = compileDeviceFilter(policy);
    for (const type of ["c", "b"] as const)
      for (const access of letters) {
        const wanted = { type, major: random(4), minor: random(4), access };
        const answer = allows(program, wanted);
        expect({ rules, wanted, answer }).toEqual({ rules, wanted, answer: kernelSays(policy, wanted) });
        answers.add(`${policy.allow} ${answer}`);
      }
  }
  expect(answers.size).toBe(4);
});

test("v1 is written the same list, from nothing on", () => {
  const { devices } = spec({ options: runOptions({ deviceRules: [disk] }) }).linux.resources;
  const writes = deviceSteps(devices)(1, "/g").flatMap((step) =>
    step.kind === "write" ? [`${step.path} ${step.data}`] : [],
  );
  expect(writes[0]).toBe("/g/devices.deny a");
  expect(writes).toContain("/g/devices.allow b 8:1 r");
  expect(writes).toContain("/g/devices.allow c 136:* rwm");
  expect(writes.filter((line) => line.includes("10:229"))).toEqual([]);
});
