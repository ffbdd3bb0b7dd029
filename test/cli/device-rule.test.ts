import { expect, test } from "vitest";
import { parseDeviceRule } from "../../src/cli/mounts/device-rule-flag.js";
import { checkFileOptions } from "../../src/launch/options/files.js";

test.each([
  ["c 1:3 rwm", [{ allow: true, type: "c", major: 1, minor: 3, access: "rwm" }]],
  ["b 8:* r", [{ allow: true, type: "b", major: 8, access: "r" }]],
  ["c *:* m", [{ allow: true, type: "c", access: "m" }]],
  ["a *:* rwm", [{ allow: true, access: "rwm" }]],
  ["a *:* mrw", [{ allow: true, access: "rwm" }]],
  // The kernel's v1 files would make this everything.
  [
    "a *:* r",
    [
      { allow: true, type: "b", access: "r" },
      { allow: true, type: "c", access: "r" },
    ],
  ],
])("--device-cgroup-rule reads '%s'", (text, rules) => {
  expect(parseDeviceRule(text)).toEqual(rules);
  expect(() => {
    checkFileOptions({ deviceRules: parseDeviceRule(text) });
  }).not.toThrow();
});

test.each([
  ["", "nothing"],
  ["c 1:3", "no letters"],
  ["c 1:3 ", "no letters"],
  ["c 1:3 x", "another letter"],
  ["c 1:3 rwmr", "too many letters"],
  ["d 1:3 r", "another type"],
  ["c 1 r", "one number"],
  ["c 1:3:4 r", "three numbers"],
  ["c -1:3 r", "a number below zero"],
  ["a 1:3 rwm", "numbers of everything"],
  ["c 1:3 r\nc 1:4 r", "two lines"],
  ["c 1:3  r", "two spaces"],
])("--device-cgroup-rule refuses %j: %s", (text) => {
  expect(() => parseDeviceRule(text)).toThrow(/^--device-cgroup-rule: .*not a rule/);
});

test.each(["c 4096:0 r", "c 1:1048576 r", "b 999999999:* r"])("--device-cgroup-rule refuses '%s'", (text) => {
  expect(() => {
    checkFileOptions({ deviceRules: parseDeviceRule(text) });
  }).toThrow("--device-cgroup-rule");
});
