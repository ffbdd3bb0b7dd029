import { posix } from "node:path";
import { UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";
import type { FileMount } from "./options/files.js";
import { checkTmpfsOptions } from "./tmpfs-options.js";

/**
 * A target as docker reads it: `.`, `..` and slashes that say nothing taken out, by the text alone.
 * @throws UsageError BAD_VALUE for `/`, relative paths, and places below /proc that are the kernel's word
 */
export function mountTarget(target: string): string {
  if (!target.startsWith("/")) throw refused(target, "is relative", "an absolute path in the container");
  const path = posix.normalize(target).replace(/(?<=.)\/$/, "");
  if (path === "/") throw refused(target, "is the container's root", "a path below it");
  const inProc = path === "/proc" || path.startsWith("/proc/");
  if (inProc && !lxcfsFiles.has(path)) throw refused(target, "is the kernel's", "a path outside of /proc");
  return path;
}

/** Each target once, each of them possible. @throws UsageError BAD_VALUE */
export function checkMounts(mounts: readonly FileMount[]): void {
  const seen = new Set<string>();
  for (const mount of mounts) {
    const target = mountTarget(mount.target);
    if (seen.has(target)) throw refused(mount.target, "is mounted twice", "each target once");
    seen.add(target);
    if (mount.type === "bind" && !mount.source.startsWith("/")) {
      throw refused(mount.source, "is relative", "an absolute host path");
    }
    if (mount.type === "tmpfs") checkTmpfsOptions(mount);
    if (mount.type === "volume") checkVolume(mount);
  }
}

/**
 * Masks and read-only paths would be put over a copy (CVE-2019-16884, CVE-2023-28642), but for these, with which lxcfs
 * tells a container its own figures (runc `checkProcMount`).
 */
const lxcfsFiles = new Set(
  ["cpuinfo", "diskstats", "loadavg", "meminfo", "net/dev", "slabinfo", "stat", "swaps", "uptime"].map(
    (name) => `/proc/${name}`,
  ),
);

const volumeName = /^[A-Za-z0-9][A-Za-z0-9_.-]{1,254}$/;

/** @throws UsageError BAD_VALUE */
export function checkVolumeName(name: string): void {
  if (volumeName.test(name)) return;
  throw new UsageError(
    "BAD_VALUE",
    `volume: ${printable(name, 80)}: not a name (expected two or more of letters, digits, _ . -)`,
    { hint: "for a directory of this machine name it with a slash: ./DIR or /DIR" },
  );
}

function checkVolume(mount: Extract<FileMount, { readonly type: "volume" }>): void {
  const { name, subpath } = mount;
  if (name !== undefined) checkVolumeName(name);
  if (subpath === undefined) return;
  const climbs = subpath.split("/").includes("..");
  if (subpath === "" || subpath.startsWith("/") || climbs) {
    throw refused(subpath, "leaves the volume", "a relative path below it");
  }
  if (name === undefined) throw refused(subpath, "is of a new volume", "a volume's name with its subpath");
}

function refused(object: string, observed: string, expected: string): UsageError {
  return new UsageError("BAD_VALUE", `mount: ${printable(object)}: ${observed} (expected ${expected})`);
}
