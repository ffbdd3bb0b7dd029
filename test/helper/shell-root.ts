import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { mountFlags } from "../../src/helper/constants.js";
import type { Plan, PlanStep } from "../../src/helper/plan.js";
import { devSteps } from "../../src/launch/plan-dev.js";
import { isolated, isRoot } from "./support.js";

const hostDirectories = ["bin", "sbin", "lib", "lib64"];

/** Clone and mounts of a container with this machine's programs in it, up to but for its streams and the pivot. */
export function shellRoot(directory: string): Plan {
  const root = join(directory, "root");
  mkdirSync(root);
  const strict = mountFlags.MS_NOSUID | mountFlags.MS_NOEXEC;
  // In a user namespace of one id there is no group tty.
  const options = `newinstance,ptmxmode=0666,mode=0620${isRoot ? ",gid=5" : ""}`;
  return [
    isolated(),
    { kind: "private-mounts" },
    { kind: "root-bind", path: root },
    { kind: "bind", source: "/usr", target: "/usr", flags: mountFlags.MS_REC },
    ...hostDirectories.map((name): PlanStep => ({
      kind: "symlink",
      text: `usr/${name}`,
      target: `/${name}`,
    })),
    ...mount("proc", "/proc", "", strict),
    ...mount("tmpfs", "/dev", "mode=755", mountFlags.MS_NOSUID),
    ...mount("devpts", "/dev/pts", options, strict),
    ...devSteps([]),
  ];
}

function mount(fstype: string, target: string, data: string, flags: number): Plan {
  return [
    { kind: "mkdir", target, mode: 0o755, uid: 0, gid: 0 },
    { kind: "mount", fstype, source: fstype, target, flags, data },
  ];
}

/** The rest: pivot and a shell command line. */
export function inShellRoot(command: string, before: Plan = []): Plan {
  return [
    { kind: "pivot" },
    { kind: "working-dir", path: "/" },
    ...before,
    { kind: "environment", entries: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", "PS1=prompt>"] },
    { kind: "exec", argv: ["sh", "-c", command] },
  ];
}
