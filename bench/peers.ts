import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { missing, mustRun } from "../test/support/tools.js";

/** Run from the repository's directory, as npm does. */
export const pullrunPath = path.resolve("bin/pullrun");

/** Why a tool is not compared, undefined if it is there. */
export function absent(...tools: readonly string[]): string | undefined {
  const needs = missing(...tools);
  return needs === "" ? undefined : needs.replace(/: $/, "");
}

export function emptied(directory: string): string {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** podman with storage of its own below `root`. */
export function podman(root: string, ...args: readonly string[]): string[] {
  const places = ["--root", path.join(root, "storage"), "--runroot", path.join(root, "run")];
  return ["podman", ...places, "--storage-driver", "overlay", "--cgroup-manager", "cgroupfs", ...args];
}

/** rm cannot delete what podman still has mounted. */
export async function resetPodman(root: string): Promise<void> {
  const [file = "", ...args] = podman(root, "system", "reset", "--force");
  await mustRun(file, args).catch(() => undefined);
  emptied(root);
}

/** One page cache for everybody: written data is on disk before a run starts. */
export async function settle(): Promise<void> {
  await mustRun("sync", []);
}
