import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { LimitOptions } from "../../launch/options/limits.js";
import type { Ulimit } from "../../launch/ulimits.js";
import type { FlagSpec, Invocation } from "../command.js";
import { limit, parseCount, parseCpus, parsed, parseSize } from "../values.js";
import { given, nonEmpty } from "./given.js";

export const limitFlags: readonly FlagSpec[] = [
  { flags: "-m, --memory <bytes>", description: "memory limit, such as 512m" },
  { flags: "--memory-swap <bytes>", description: "memory and swap together, -1 for no limit" },
  { flags: "--memory-reservation <bytes>", description: "memory it is left when memory is short" },
  {
    flags: "--oom-kill-disable",
    description: "wait instead of being killed at the memory limit (cgroup v1)",
  },
  { flags: "--pids-limit <n>", description: "limit on processes; 0 or -1 for none" },
  { flags: "--cpus <n>", description: "CPU limit, such as 1.5" },
  { flags: "-c, --cpu-shares <n>", description: "share when CPUs are short, 1024 is everybody's" },
  { flags: "--cpu-quota <us>", description: "microseconds of CPU time in each period, -1 for no limit" },
  { flags: "--cpu-period <us>", description: "length of the period, 100000 unless given" },
  { flags: "--cpuset-cpus <list>", description: "CPUs it may use, such as 0-2,5" },
  { flags: "--cpuset-mems <list>", description: "memory nodes it may use" },
  { flags: "--blkio-weight <n>", description: "share of disk time, 10 to 1000" },
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
    ...given("memory", limit(flags, "memory", parseSize)),
    ...given("memorySwap", flags.text("memory-swap") === "-1" ? -1 : limit(flags, "memory-swap", parseSize)),
    ...given("memoryReservation", limit(flags, "memory-reservation", parseSize)),
    ...given("oomKillDisable", flags.on("oom-kill-disable") || undefined),
    ...given("cpuShares", limit(flags, "cpu-shares", parseCount)),
    ...given("cpuQuota", limit(flags, "cpu-quota", parseCount)),
    ...given("cpuPeriod", limit(flags, "cpu-period", parseCount)),
    ...given("cpusetCpus", nonEmpty(flags, "cpuset-cpus")),
    ...given("cpusetMems", nonEmpty(flags, "cpuset-mems")),
    ...given("blkioWeight", limit(flags, "blkio-weight", parseCount)),
    ...given("pidsLimit", parsed(flags, "pids-limit", parseCount)),
    ...given("cpus", limit(flags, "cpus", parseCpus)),
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
