import { UsageError } from "../core/errors.js";
import type { FileOptions } from "./options/files.js";
import type { IsolationOptions } from "./options/isolation.js";
import { checkLimitOptions, type LimitOptions } from "./options/limits.js";
import { checkNetworkOptions, type NetworkOptions } from "./options/network.js";
import { checkProcessOptions, type ProcessOptions } from "./options/process.js";

/** What `pullrun run` was asked for, after the command line is parsed: one file a subject in options/. */
export interface RunOptions
  extends ProcessOptions, FileOptions, IsolationOptions, LimitOptions, NetworkOptions {}

/** Refuses values no container could start with. @throws UsageError BAD_VALUE, BAD_FLAG */
export function checkRunOptions(options: RunOptions): void {
  checkProcessOptions(options);
  checkLimitOptions(options);
  checkNetworkOptions(options);
  if (options.isolation === "chroot") checkChroot(options);
}

function checkChroot(options: RunOptions): void {
  const impossible =
    options.readOnly === true ? "--read-only" : options.hostname !== undefined ? "--hostname" : "";
  if (impossible === "") return;
  throw new UsageError(
    "BAD_FLAG",
    `${impossible}: not possible with --isolation chroot (expected namespaces)`,
    { hint: `leave out ${impossible}, or run without --isolation chroot` },
  );
}
