import { readdirSync, realpathSync, statSync, type BigIntStats } from "node:fs";
import path from "node:path";
import { errnoOf, LaunchError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { mountTarget } from "./mount-checks.js";
import type { DeviceRequest } from "./options/files.js";

/** A device node of this machine, to be bound into the container: so it needs no mknod, and a chmod stays there. */
export interface PlacedDevice {
  readonly type: "device";
  /** Absolute host path of the node itself. */
  readonly source: string;
  readonly target: string;
  readonly node: "c" | "b";
  readonly major: number;
  readonly minor: number;
  /** Of `r`, `w` and `m`. */
  readonly access: string;
}

/** Looks at the devices; of a directory at all below it. @throws LaunchError BAD_MOUNT where there is none */
export function findDevices(requests: readonly DeviceRequest[]): PlacedDevice[] {
  return requests.flatMap((request) => {
    const found = devicesAt(request, request.source, mountTarget(request.target));
    if (found.length === 0) throw noDevice(request.source, "holds no device");
    return found;
  });
}

function devicesAt(request: DeviceRequest, source: string, target: string): PlacedDevice[] {
  const { real, found } = look(source);
  if (found.isDirectory()) {
    return readdirSync(real, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || entry.isCharacterDevice() || entry.isBlockDevice())
      .flatMap(({ name }) => devicesAt(request, path.join(real, name), `${target}/${name}`));
  }
  const node = found.isCharacterDevice() ? "c" : found.isBlockDevice() ? "b" : undefined;
  if (node === undefined) throw noDevice(source, "is no device");
  const { major, minor } = numbersOf(found.rdev);
  return [{ type: "device", source: real, target, node, major, minor, access: request.access ?? "rwm" }];
}

/** Links such as /dev/cdrom are followed: whoever names them means this machine's. */
function look(source: string): { readonly real: string; readonly found: BigIntStats } {
  try {
    const real = realpathSync(source);
    return { real, found: statSync(real, { bigint: true }) };
  } catch (error) {
    const errno = errnoOf(error);
    throw noDevice(
      source,
      errno === "ENOENT" ? "does not exist" : `cannot be reached: ${errno ?? "?"}`,
      error,
    );
  }
}

/** makedev(3) of glibc and the kernel's huge encoding. */
export function numbersOf(device: bigint): { readonly major: number; readonly minor: number } {
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)),
    minor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
  };
}

function noDevice(source: string, observed: string, cause?: unknown): LaunchError {
  return new LaunchError("BAD_MOUNT", `device: ${printable(source)}: ${observed} (expected a device node)`, {
    hint: "`ls -l /dev` lists those of this machine",
    cause,
  });
}
