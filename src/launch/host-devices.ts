import { lstatSync, readdirSync, type BigIntStats } from "node:fs";
import { errnoOf } from "../core/errors.js";
import { numbersOf } from "./devices.js";
import type { DeviceNode } from "./oci-spec.js";

/** What a container has its own of, or what is no device directory (moby and runc, libcontainer/devices GetDevices). */
const leftOut = new Set([
  ...["pts", "shm", "fd", "mqueue", "console", "ptmx"],
  ...[".lxc", ".lxd-mounts", ".udev"],
]);

/** Every device node below `directory`, for a privileged container: with owner and mode, since groups of the image may count. */
export function hostDevices(directory = "/dev"): DeviceNode[] {
  return readdirSync(directory)
    .filter((name) => !leftOut.has(name))
    .sort()
    .flatMap((name) => devicesAt(`${directory}/${name}`));
}

function devicesAt(path: string): DeviceNode[] {
  const found = look(path);
  if (found === undefined) return [];
  if (found.isDirectory()) return hostDevices(path);
  const type = found.isCharacterDevice() ? "c" : found.isBlockDevice() ? "b" : undefined;
  if (type === undefined) return [];
  const fileMode = Number(found.mode & 0o7777n);
  return [{ path, type, ...numbersOf(found.rdev), fileMode, uid: Number(found.uid), gid: Number(found.gid) }];
}

/** Devices come and go. */
function look(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
