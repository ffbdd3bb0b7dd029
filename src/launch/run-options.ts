import { UsageError } from "../core/errors.js";
import { checkFileOptions, type FileOptions } from "./options/files.js";
import { checkIsolationOptions, type IsolationOptions } from "./options/isolation.js";
import { checkLimitOptions, type LimitOptions } from "./options/limits.js";
import { checkNetworkOptions, type NetworkOptions } from "./options/network.js";
import { checkProcessOptions, type ProcessOptions } from "./options/process.js";

/** What `pullrun run` was asked for, after the command line is parsed: one file a subject in options/. */
export interface RunOptions
  extends ProcessOptions, FileOptions, IsolationOptions, LimitOptions, NetworkOptions {
  /** Name or absolute path of the OCI runtime that makes the container, in the place of our helper. */
  readonly runtime?: string;
  /** The spec's: for who reads that, such as another runtime. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Refuses values no container could start with. @throws UsageError BAD_VALUE, BAD_FLAG */
export function checkRunOptions(options: RunOptions): void {
  checkProcessOptions(options);
  checkFileOptions(options);
  checkIsolationOptions(options);
  checkLimitOptions(options);
  checkNetworkOptions(options);
  if (options.uts === "host" && options.hostname !== undefined)
    throw new UsageError("BAD_FLAG", "--hostname: conflicts with --uts host", {
      hint: "leave out one of them",
    });
  if (options.isolation === "chroot") checkChroot(options);
}

function checkChroot(options: RunOptions): void {
  const wanted = {
    "--rootfs": options.rootDir !== undefined,
    "--read-only": options.readOnly === true,
    "--volume, --mount and --tmpfs": options.mounts !== undefined && options.mounts.length > 0,
    "--device": options.devices !== undefined && options.devices.length > 0,
    "--device-cgroup-rule": options.deviceRules !== undefined && options.deviceRules.length > 0,
    "--shm-size": options.shmSize !== undefined,
    "--hostname": options.hostname !== undefined,
    "--domainname": options.domainname !== undefined,
    [`--network ${options.network}`]: !["default", "none", "host"].includes(options.network),
  };
  const impossible = Object.entries(wanted).find(([, given]) => given)?.[0];
  if (impossible === undefined) return;
  throw new UsageError(
    "BAD_FLAG",
    `${impossible}: not possible with --isolation chroot (expected namespaces)`,
    { hint: `leave out ${impossible}, or run without --isolation chroot` },
  );
}
