import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cloneFlags } from "../../src/helper/constants.js";
import { encodePlan } from "../../src/helper/plan-encoding.js";
import type { Plan } from "../../src/helper/plan.js";
import { fork, helperBuilds, isRoot, namespacesAvailable, shell, temporaryDirectory } from "./support.js";

/** Something else lies over a file that the helper takes for the kernel's. */

const available = await namespacesAvailable();
const { CLONE_NEWNS } = cloneFlags;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a plan where `over` has been bound over `target`, in mount and host name namespaces of their own. */
function runCovered(path: string, plan: Plan, over: string, target: string): Ended {
  const file = join(temporaryDirectory(), "plan");
  writeFileSync(file, encodePlan(plan));
  const script = 'mount --bind "$1" "$2" && exec "$3" run "$4"';
  const unshare = [...(isRoot ? [] : ["--map-root-user"]), "--mount", "--uts", "sh", "-c", script, "sh"];
  return spawnSync("unshare", [...unshare, over, target, path, file], {
    encoding: "utf8",
    // The real null device, opened before it is covered.
    stdio: ["ignore", "pipe", "pipe"],
    // Its child may wait with every other signal blocked.
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
}

function fifo(): string {
  const path = join(temporaryDirectory(), "fifo");
  spawnSync("mkfifo", [path]);
  return path;
}

function directoryWithLink(name: string, target: string): string {
  const directory = temporaryDirectory();
  symlinkSync(target, join(directory, name));
  return directory;
}

function fileWith(text: string): string {
  const file = join(temporaryDirectory(), "file");
  writeFileSync(file, text);
  return file;
}

describe.skipIf(!available).each(helperBuilds())("needs namespaces: %s", (_, path) => {
  describe("CVE-2025-31133: in the place of the null device", () => {
    const secret = "read from it";
    const places: readonly (readonly [what: string, place: () => readonly [over: string, target: string]])[] =
      [
        ["a file", () => [fileWith(secret), "/dev/null"]],
        ["another device", () => ["/dev/zero", "/dev/null"]],
        ["a FIFO that nobody writes to", () => [fifo(), "/dev/null"]],
        // Opening what a link leads to, one of our own descriptors here, would already do something.
        ["a link, be it to the real one,", () => [directoryWithLink("null", "/proc/self/fd/0"), "/dev"]],
      ];

    test.each(places)("%s masks nothing", (_what, place) => {
      const masked = fileWith("");
      const plan: Plan = [
        // In the user namespace that there is: ours has no ids beside its root.
        { ...fork, flags: CLONE_NEWNS },
        { kind: "private-mounts" },
        { kind: "root-dir", path: "/" },
        { kind: "mask", target: masked },
        ...shell(`head -c 9 ${masked}`),
      ];
      const { status, stdout, stderr } = runCovered(path, plan, ...place());
      expect({ status, stdout }).toEqual({ status: 125, stdout: "" });
      expect(stderr).toContain("cannot make the cover of a masked path");
    });

    test.each(places)("%s is nobody's input", (_what, place) => {
      const plan: Plan = [fork, { kind: "stdin-null" }, ...shell("head -c 9")];
      const { status, stdout, stderr } = runCovered(path, plan, ...place());
      expect({ status, stdout }).toEqual({ status: 125, stdout: "" });
      expect(stderr).toContain("cannot open as standard input");
    });
  });

  describe("CVE-2025-52881: a kernel setting", () => {
    const plan: Plan = [
      fork,
      { kind: "sysctl", key: "kernel/domainname", value: "written" },
      ...shell("cat /proc/sys/kernel/hostname"),
    ];

    test("is not written to what lies over all of them", () => {
      const fake = temporaryDirectory();
      mkdirSync(join(fake, "kernel"));
      writeFileSync(join(fake, "kernel/domainname"), "");
      const { status, stderr } = runCovered(path, plan, fake, "/proc/sys");
      expect(status).toBe(125);
      expect(stderr).toContain("cannot open the kernel settings");
    });

    test.each([
      ["a file", (): string => fileWith("")],
      ["another setting", (): string => "/proc/sys/kernel/hostname"],
    ])("is not written to %s that lies over it", (_what, over) => {
      const { status, stdout, stderr } = runCovered(path, plan, over(), "/proc/sys/kernel/domainname");
      expect({ status, stdout }).toEqual({ status: 125, stdout: "" });
      expect(stderr).toContain("cannot set kernel setting");
    });
  });
});
