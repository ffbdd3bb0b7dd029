import { existsSync } from "node:fs";
import path from "node:path";
import { mustRun, runTool } from "./tools.js";

/** crun, podman's own choice, refuses every container where cgroups are hybrid; runc takes all layouts. */
const runtime = existsSync("/sys/fs/cgroup/cgroup.controllers") ? "crun" : "runc";

/** podman with storage of its own below `root`. */
export function podman(root: string, ...args: readonly string[]): string[] {
  const places = ["--root", path.join(root, "storage"), "--runroot", path.join(root, "run")];
  const choices = ["--storage-driver", "overlay", "--cgroup-manager", "cgroupfs", "--runtime", runtime];
  return ["podman", ...places, ...choices, ...args];
}

/** Flags without which podman raises limits of its containers, which takes CAP_SYS_RESOURCE. */
export const podmanLimits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"];

/** Forgets all images and containers; rm alone cannot delete what podman has mounted. */
export async function resetPodman(root: string): Promise<void> {
  const [file = "", ...args] = podman(root, "system", "reset", "--force");
  await runTool(file, args);
  await mustRun("sh", ["-c", `umount -R '${root}/storage/overlay' 2>/dev/null; rm -rf '${root}'`]);
}
