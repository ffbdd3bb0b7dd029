import type { FileOptions } from "../../launch/options/files.js";
import type { FlagSpec, Invocation } from "../command.js";

export const fileFlags: readonly FlagSpec[] = [
  { flags: "--read-only", description: "mount the root file system read-only" },
];

export function fileOptionsOf({ flags }: Invocation): FileOptions {
  return { readOnly: flags.on("read-only") };
}
