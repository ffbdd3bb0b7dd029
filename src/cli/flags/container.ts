import type { FlagSpec } from "../command.js";
import { fileFlags } from "./files.js";
import { isolationFlags } from "./isolation.js";
import { limitFlags } from "./limits.js";
import { networkFlags } from "./network.js";
import { processFlags } from "./process.js";

/** What describes a container, for every command that makes one or its spec. */
export const containerFlags: readonly FlagSpec[] = [
  ...processFlags,
  ...fileFlags,
  ...isolationFlags,
  ...limitFlags,
  ...networkFlags,
  { flags: "--annotation <key=value>", description: "set an annotation in the spec", repeat: true },
];
