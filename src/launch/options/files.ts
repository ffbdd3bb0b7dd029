import { printable } from "../../core/text.js";
import { checkMounts, mountTarget } from "../mount-checks.js";
import type { DeviceRule } from "../oci-spec.js";
import { badValue } from "./bad-value.js";

/** What the container sees of the host's files, and of its own. */
export interface FileOptions {
  /** In the place of an image. */
  readonly rootDir?: RootDirectory;
  readonly readOnly?: boolean;
  /** `-v`, `--mount` and `--tmpfs`, in the order given. */
  readonly mounts?: readonly FileMount[];
  /** Device nodes of this machine the container may use. */
  readonly devices?: readonly DeviceRequest[];
  /** Devices it may use besides, whatever their nodes are called: it can make them, or find them in binds and volumes. */
  readonly deviceRules?: readonly DeviceRule[];
  /** Bytes of /dev/shm. */
  readonly shmSize?: number;
}

export interface RootDirectory {
  /** Absolute host path. */
  readonly path: string;
  /** What the container writes stays out of it. */
  readonly overlay: boolean;
}

export interface DeviceRequest {
  /** Absolute host path of a node, or of a directory of them. */
  readonly source: string;
  /** Absolute, in the container. */
  readonly target: string;
  /** Of `r`, `w` and `m`; all three without it. */
  readonly access?: string;
}

export type FileMount = BindMount | VolumeMount | TmpfsMount;

interface MountBase {
  /** Absolute, in the container. */
  readonly target: string;
  readonly readOnly?: boolean;
}

export interface BindMount extends MountBase {
  readonly type: "bind";
  /** Absolute host path. */
  readonly source: string;
  /** Make a directory of that name where there is nothing, as docker does for `-v`. */
  readonly createSource?: boolean;
  readonly propagation?: Propagation;
  /**
   * What of mounts below the source: `enabled`, they come along (and are read-only where the bind is); `writable`, they
   * stay as they are; `disabled`, they stay behind.
   */
  readonly recursive?: "enabled" | "writable" | "disabled";
}

export interface VolumeMount extends MountBase {
  readonly type: "volume";
  /** None: an anonymous volume, made for this container. */
  readonly name?: string;
  /** Leave the volume empty, whatever the image has at the target. */
  readonly noCopy?: boolean;
  /** Directory or file in the volume to mount instead of all of it. */
  readonly subpath?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface TmpfsMount extends MountBase {
  readonly type: "tmpfs";
  /** As mount(8) spells them: `size=64m`, `mode=1770`, `exec`. */
  readonly options?: readonly string[];
}

export type Propagation = "private" | "rprivate" | "slave" | "rslave" | "shared" | "rshared";

/** @throws UsageError BAD_VALUE */
export function checkFileOptions(options: FileOptions): void {
  const { mounts = [], devices = [], deviceRules = [], shmSize } = options;
  checkMounts(mounts);
  for (const rule of deviceRules) checkDeviceRule(rule);
  for (const { source, target, access = "rwm" } of devices) {
    mountTarget(target);
    const problem = /^[rwm]{1,3}$/.test(access) ? source : access;
    if (problem === access || !source.startsWith("/")) {
      throw badValue("--device", printable(problem, 80), "/dev/NODE[:/PATH][:rwm]");
    }
  }
  if (shmSize !== undefined && !(Number.isSafeInteger(shmSize) && shmSize > 0)) {
    throw badValue("--shm-size", `${shmSize} bytes`, "a size above zero");
  }
}

/** Numbers are those of the kernel's dev_t, 12 and 20 bits. */
function checkDeviceRule({ type, major = 0, minor = 0, access }: DeviceRule): void {
  const numbers =
    type === undefined ? `${major}:${minor}` === "0:0" : isNumber(major, 12) && isNumber(minor, 20);
  if (numbers && /^[rwm]{1,3}$/.test(access)) return;
  const text = `${type ?? "a"} ${major}:${minor} ${access}`;
  throw badValue("--device-cgroup-rule", printable(text, 80), "c or b, MAJOR:MINOR and rwm: 'c 189:* rwm'");
}

function isNumber(value: number, bits: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value < 2 ** bits;
}
