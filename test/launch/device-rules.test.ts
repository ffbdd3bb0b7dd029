import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DeviceRule } from "../../src/launch/oci-spec.js";
import { canIsolate, makeLauncher, type Launcher } from "./launcher.js";
import { hasCompiler } from "./probe.js";
import { root, runOptions, spec, subordinate } from "./samples.js";

/** /dev/kmsg, which the probe makes; to read it takes CAP_SYSLOG besides. */
const log: DeviceRule = { allow: true, type: "c", major: 1, minor: 11, access: "r" };

describe.skipIf(!canIsolate || !hasCompiler)(
  "needs root with namespaces, cc and the helper: device rules",
  () => {
    let launcher: Launcher;
    beforeAll(() => {
      launcher = makeLauncher(root, 0);
    });
    afterAll(() => {
      launcher.probe.remove();
    });

    describe.each([
      ["in the devices hierarchy of cgroup v1, or wherever this machine has it", false],
      ["by a BPF program of cgroup v2", true],
    ])("%s", (_, onlyV2) => {
      const places = ["/node", "/dev/node"];
      const open = (deviceRules: readonly DeviceRule[]): string => {
        const options = { capAdd: ["SYSLOG"], deviceRules };
        const { stdout, stderr } = launcher.run(
          ["open", "/dev/null", ...places.flatMap((place) => ["disk", place])],
          { options, onlyV2 },
        );
        return stdout + stderr;
      };
      const answer = (word: string): string =>
        ["/dev/null", ...places].map((place) => `${place} ${place === "/dev/null" ? "ok" : word}\n`).join("");

      test("a node of an allowed device is made and opened", () => {
        expect(open([log])).toBe(answer("ok"));
        expect(open([{ allow: true, access: "rwm" }])).toBe(answer("ok"));
      });

      test.each([
        ["for other accesses", [{ ...log, access: "w" }]],
        ["for other devices", [{ ...log, minor: 12 }]],
        ["for block devices", [{ ...log, type: "b" }]],
      ] as [string, DeviceRule[]][])("one that is allowed %s cannot be opened", (_what, rules) => {
        expect(open(rules)).toBe(answer("EPERM"));
      });

      test("without a rule for it nothing is opened, by nodev alone", () => {
        expect(open([])).toBe(answer("EPERM").replaceAll("EPERM", "EACCES"));
      });
    });
  },
);

test("an ordinary user's container gets no device by a rule, and is told so", () => {
  const options = runOptions({ deviceRules: [log] });
  expect(() => spec({ options, privilege: subordinate })).toThrow(/^--device-cgroup-rule: needs root/);
});

test("a privileged container may use all devices, rules or not", () => {
  const options = runOptions({ deviceRules: [log], privileged: true });
  expect(spec({ options }).linux.resources.devices).toEqual([{ allow: true, access: "rwm" }]);
});

test("binds and volumes have usable nodes with a rule, or privileged, and else none", () => {
  const mounts = [{ type: "bind", source: "/dev/bus", target: "/dev/bus" }] as const;
  const nodev = (options: Parameters<typeof runOptions>[0]): boolean | undefined =>
    spec({ options: runOptions(options), mounts })
      .mounts.find(({ destination }) => destination === "/dev/bus")
      ?.options.includes("nodev");
  expect([nodev({}), nodev({ deviceRules: [log] }), nodev({ privileged: true })]).toEqual([
    true,
    false,
    false,
  ]);
});
