import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const isRoot = process.getuid?.() === 0;

export function hasTool(name: string): boolean {
  return spawnSync("/bin/sh", ["-c", `command -v ${name}`]).status === 0;
}

export const hasCompiler = hasTool("cc");

export interface ProbeRootfs {
  /** Removed by {@link remove}; other users may enter it. */
  readonly directory: string;
  /** A root filesystem with nothing but `/probe`. */
  readonly rootfs: string;
  remove(): void;
}

/** Compiles probe.c into a new root filesystem. */
export function makeProbeRootfs(): ProbeRootfs {
  const directory = mkdtempSync(join(tmpdir(), "pullrun-launch-"));
  const rootfs = join(directory, "rootfs");
  mkdirSync(rootfs);
  const source = join(import.meta.dirname, "probe.c");
  execFileSync("cc", ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-static", "-o", join(rootfs, "probe"), source]);
  execFileSync("chmod", ["-R", "a+rX", directory]);
  return { directory, rootfs, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
