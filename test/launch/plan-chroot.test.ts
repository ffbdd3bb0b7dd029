import { expect, test } from "vitest";
import type { PlanStep } from "../../src/helper/plan.js";
import { planChroot, type ChrootPlanInput } from "../../src/launch/plan-chroot.js";
import {
  allCapabilities,
  confined,
  containerId,
  imageConfig,
  root,
  runOptions,
  single,
  spec,
} from "./samples.js";

function plan(wanted: Partial<ChrootPlanInput> = {}): readonly PlanStep[] {
  return planChroot({
    spec: spec({ options: runOptions({ isolation: "chroot" }), image: imageConfig({ workingDir: "/app" }) }),
    containerId,
    containerDir: "/store/containers/ID",
    remove: ["/store/containers/ID"],
    rootDir: "/store/containers/ID/rootfs",
    privilege: confined,
    own: allCapabilities,
    cgroups: { hostSteps: [], procsFiles: [], childSteps: [], cleanupSteps: [], own: [], unified: true },
    files: [{ name: "hosts", target: "/etc/hosts", content: "127.0.0.1\tlocalhost\n" }],
    interactive: true,
    ...wanted,
  });
}

test("needs no namespace and no mount", () => {
  expect(plan().map(({ kind }) => kind)).toEqual([
    "seal",
    "lock",
    "record",
    "clone",
    "root-dir",
    "mkdir",
    ...Array.from({ length: 6 }, () => "mknod"),
    "file",
    "mkdir",
    "session-keyring",
    "chroot",
    "working-dir",
    "umask",
    "environment",
    "credentials",
    "no-new-privileges",
    "exec",
    "cleanup",
    "remove-tree",
  ]);
  expect(plan()).toContainEqual(expect.objectContaining({ kind: "clone", flags: 0, cgroupProcs: [] }));
  expect(
    plan()
      .filter(({ kind }) => kind === "mknod")
      .every(({ optional }) => optional === true),
  ).toBe(true);
});

test("takes away the capabilities that lead out of a chroot", () => {
  const credentials = plan().find(({ kind }) => kind === "credentials");
  const withoutMknodAndChroot = 0xa80425fbn & ~(1n << 18n) & ~(1n << 27n);
  expect(credentials).toMatchObject({ bounding: withoutMknodAndChroot, permitted: withoutMknodAndChroot });
});

test("keeps to what a sandbox has left us", () => {
  const own = { permitted: 1n << 18n, bounding: 1n << 18n };
  const credentials = plan({ own }).find(({ kind }) => kind === "credentials");
  // Without CAP_SETPCAP the bounding set cannot shrink, without CAP_SETGID groups cannot change.
  expect(credentials).toMatchObject({
    bounding: own.bounding,
    permitted: 0n,
    effective: 0n,
    groups: undefined,
  });
});

test.each([
  ["an ordinary user", single, allCapabilities, "not root"],
  [
    "an ordinary user in a container",
    { kind: "confined", uid: 1000, reason: "" },
    allCapabilities,
    "not root",
  ],
  ["root without CAP_SYS_CHROOT", root, { permitted: 0n, bounding: 0n }, "no CAP_SYS_CHROOT"],
] as const)("is refused to %s", (_, privilege, own, problem) => {
  expect(() => plan({ privilege, own })).toThrow(
    expect.objectContaining({ code: "NO_NAMESPACES", message: expect.stringContaining(problem) as string }),
  );
});
