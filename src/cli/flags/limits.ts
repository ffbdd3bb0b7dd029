import type { LimitOptions } from "../../launch/options/limits.js";
import type { FlagSpec, Invocation } from "../command.js";
import { parseCount, parseCpus, parsed, parseSize } from "../values.js";
import { given } from "./given.js";

export const limitFlags: readonly FlagSpec[] = [
  { flags: "-m, --memory <bytes>", description: "memory limit, such as 512m" },
  { flags: "--pids-limit <n>", description: "limit on processes" },
  { flags: "--cpus <n>", description: "CPU limit, such as 1.5" },
];

/** @throws UsageError */
export function limitOptionsOf({ flags }: Invocation): LimitOptions {
  return {
    ...given("memory", parsed(flags, "memory", parseSize)),
    ...given("pidsLimit", parsed(flags, "pids-limit", parseCount)),
    ...given("cpus", parsed(flags, "cpus", parseCpus)),
  };
}
