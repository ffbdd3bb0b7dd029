import { expect, test } from "vitest";
import type { CgroupPlan } from "../../src/launch/cgroups.js";
import { specWithinUserNamespace } from "../../src/launch/runtime-spec.js";
import { runOptions, spec, subordinate } from "./samples.js";

const group = "/sys/fs/cgroup/user.slice/pullrun-ID";
const cgroups: CgroupPlan = {
  hostSteps: [],
  procsFiles: [`${group}/cgroup.procs`],
  childSteps: [],
  cleanupSteps: [],
  own: [{ version: 2, controllers: ["memory"] }],
  unified: true,
};

function madeWith(options: Parameters<typeof runOptions>[0], plan: CgroupPlan): unknown {
  return specWithinUserNamespace(spec({ options: runOptions(options), privilege: subordinate }), plan);
}

test("without root a runtime makes a cgroup below the one with the limits, and sets them there as well", () => {
  expect(madeWith({ memory: 64 << 20 }, cgroups)).toMatchObject({
    linux: {
      cgroupsPath: "/user.slice/pullrun-ID/container",
      resources: { memory: { limit: 64 << 20 }, devices: undefined },
    },
  });
});

test.each([
  ["no limit was asked for", {}, cgroups],
  ["it would have to in several hierarchies", { memory: 64 << 20 }, { ...cgroups, unified: false }],
] as const)("but makes and shows none where %s", (_, options, plan) => {
  const made = JSON.stringify(madeWith(options, plan));
  expect(made).not.toContain("cgroupsPath");
  expect(made).not.toContain('"resources"');
  expect(made).not.toContain('"destination":"/sys/fs/cgroup"');
});
