import path from "node:path";
import { mustRun, runTool } from "./tools.js";

/** podman with storage of its own below `root`, and the one runtime that takes every cgroup layout. */
export function podman(root: string, ...args: readonly string[]): string[] {
  const places = ["--root", path.join(root, "storage"), "--runroot", path.join(root, "run")];
  const choices = ["--storage-driver", "overlay", "--cgroup-manager", "cgroupfs", "--runtime", "runc"];
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
