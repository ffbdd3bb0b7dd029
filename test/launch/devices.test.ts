import { expect, test } from "vitest";
import { findDevices, numbersOf } from "../../src/launch/devices.js";
import { spec } from "./samples.js";

test("a device is bound read-only, so that only what it does can be reached, and allowed in the device cgroup", () => {
  const devices = findDevices([{ source: "/dev/zero", target: "/dev/./mine", access: "rw" }]);
  expect(devices).toEqual([
    { type: "device", source: "/dev/zero", target: "/dev/mine", node: "c", major: 1, minor: 5, access: "rw" },
  ]);
  const { mounts, linux } = spec({ mounts: devices });
  expect(mounts.find(({ destination }) => destination === "/dev/mine")).toEqual({
    destination: "/dev/mine",
    type: "bind",
    source: "/dev/zero",
    options: ["bind", "rprivate", "nosuid", "noexec", "ro"],
  });
  expect(linux.resources.devices.at(-1)).toEqual({
    allow: true,
    type: "c",
    major: 1,
    minor: 5,
    access: "rw",
  });
});

test.each(["/", "/proc/x"])("%s is no place for a device", (target) => {
  expect(() => findDevices([{ source: "/dev/zero", target }])).toThrow();
});

test.each([
  [0x103n, 1, 3],
  [0x801n, 8, 1],
  // minor 0x12345 of major 8: its low byte, and the rest 12 bits up.
  [0x123008n * 0x100n + 0x45n, 8, 0x12345],
  // major 0x1fff: 12 bits, and the rest 32 bits up.
  [0x1000_0000_0000n + 0xfff01n, 0x1fff, 1],
])("of the device number %s major and minor are %i and %i", (device, major, minor) => {
  expect(numbersOf(device)).toEqual({ major, minor });
});
