import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { LimitOptions } from "../../launch/options/limits.js";
import type { Ulimit } from "../../launch/ulimits.js";
import type { FlagSpec, Invocation } from "../command.js";
import { parseCount, parseCpus, parsed, parseSize } from "../values.js";
import { given } from "./given.js";

export const limitFlags: readonly FlagSpec[] = [
  { flags: "-m, --memory <bytes>", description: "memory limit, such as 512m" },
  { flags: "--pids-limit <n>", description: "limit on processes" },
  { flags: "--cpus <n>", description: "CPU limit, such as 1.5" },
  {
    flags: "--ulimit <name=soft[:hard]>",
    description: "a limit of each process, such as nofile=1024:4096",
    repeat: true,
  },
  { flags: "--oom-score-adj <n>", description: "-1000 to 1000: how soon it is killed when memory is short" },
];

/** @throws UsageError */
export function limitOptionsOf({ flags }: Invocation): LimitOptions {
  return {
    ...given("memory", parsed(flags, "memory", parseSize)),
    ...given("pidsLimit", parsed(flags, "pids-limit", parseCount)),
    ...given("cpus", parsed(flags, "cpus", parseCpus)),
    ...given("ulimits", ulimitsOf(flags.list("ulimit"))),
    ...given("oomScoreAdj", parsed(flags, "oom-score-adj", parseCount)),
  };
}

function ulimitsOf(limits: readonly string[]): readonly Ulimit[] | undefined {
  return limits.length === 0 ? undefined : limits.map(ulimitOf);
}

/** `NAME=SOFT[:HARD]`, -1 and `unlimited` for no limit. One number is both. */
function ulimitOf(text: string): Ulimit {
  const [, name, soft, hard = soft] =
    /^([a-z]+)=(-1|[0-9]+|unlimited)(?::(-1|[0-9]+|unlimited))?$/.exec(text) ?? [];
  if (name === undefined || soft === undefined || hard === undefined)
    throw new UsageError("BAD_VALUE", `--ulimit: ${printable(text, 80)} (expected NAME=SOFT[:HARD])`);
  const [softest = 0, hardest = 0] = [soft, hard].map((word) => (word === "unlimited" ? -1 : Number(word)));
  return { name, soft: softest, hard: hardest };
}
