import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import type { PlanStep } from "../../src/helper/plan.js";
import { hostDevices } from "../../src/launch/host-devices.js";
import type { DeviceNode } from "../../src/launch/oci-spec.js";
import { devSteps } from "../../src/launch/plan-dev.js";
import { isRoot } from "./probe.js";

test.skipIf(!isRoot)(
  "needs root: all device nodes are found, but not terminals, what a container has its own of, nor what is none",
  () => {
    const directory = mkdtempSync(path.join(tmpdir(), "pullrun-devices-"));
    try {
      const make = (name: string, ...numbers: string[]): void => {
        mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
        execFileSync("mknod", [path.join(directory, name), ...numbers]);
      };
      make("sda", "b", "8", "0");
      make("bus/usb/001/002", "c", "189", "1");
      for (const name of ["console", "ptmx", "pts/0", "shm/node", "mqueue/node", "fd/0"])
        make(name, "c", "5", "1");
      make("fifo", "p");
      writeFileSync(path.join(directory, "file"), "");
      symlinkSync("sda", path.join(directory, "disk"));
      chmodSync(path.join(directory, "sda"), 0o640);
      execFileSync("chown", ["0:6", path.join(directory, "sda")]);
      const found = hostDevices(directory).map((node) => ({
        ...node,
        path: node.path.slice(directory.length),
      }));
      expect(found).toMatchObject([
        { path: "/bus/usb/001/002", type: "c", major: 189, minor: 1 },
        { path: "/sda", type: "b", major: 8, minor: 0, fileMode: 0o640, uid: 0, gid: 6 },
      ]);
      expect(found).toHaveLength(2);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);

test("devices of the spec are made with owner and mode, below directories that are made first, and not those that are bound", () => {
  const node = { type: "c", major: 189, minor: 1, fileMode: 0o660, uid: 0, gid: 46 } as const;
  const devices: DeviceNode[] = [
    { ...node, path: "/dev/null" },
    { ...node, path: "/dev/bus/usb/1" },
  ];
  const added = (steps: readonly PlanStep[]): PlanStep[] =>
    steps.filter(({ kind }) => kind === "mkdir" || kind === "mknod");
  expect(added(devSteps(devices))).toEqual([
    { kind: "mkdir", target: "/dev/bus", mode: 0o755, uid: 0, gid: 0 },
    { kind: "mkdir", target: "/dev/bus/usb", mode: 0o755, uid: 0, gid: 0 },
    { kind: "mknod", target: "/dev/bus/usb/1", mode: 0o20660, major: 189, minor: 1, uid: 0, gid: 46 },
  ]);
  expect(added(devSteps([]))).toEqual([]);
});
