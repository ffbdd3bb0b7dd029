import { UsageError } from "../core/errors.js";
import type { CgroupHost } from "./cgroup-host.js";
import type { LimitResources } from "./oci-spec.js";

/**
 * Which CPUs and memory nodes there are is asked first: the kernel says no more than ERANGE or EINVAL, and v2 takes
 * what it cannot give without a word. @throws UsageError BAD_VALUE
 */
export function checkCpuset({ cpu }: LimitResources, host: CgroupHost): void {
  const v1 = host.hierarchies.find(({ controllers }) => controllers.includes("cpuset"));
  const own = v1 ?? host.hierarchies.find(({ version }) => version === 2);
  if (own === undefined) return;
  for (const [kind, list] of [
    ["cpus", cpu?.cpus],
    ["mems", cpu?.mems],
  ] as const) {
    const file = own.version === 1 ? `cpuset.effective_${kind}` : `cpuset.${kind}.effective`;
    const there = host.read(`${own.own}/${file}`)?.trim() ?? "";
    if (list === undefined || there === "") continue;
    const numbers = new Set(numbersOf(there));
    const missing = rangesOf(list)
      .flat()
      .find((number) => !numbers.has(number));
    if (missing === undefined) continue;
    throw new UsageError(
      "BAD_VALUE",
      `--cpuset-${kind}: ${list}: ${missing} is not here (expected of ${there})`,
    );
  }
}

/** What the kernel says it has. */
function numbersOf(list: string): number[] {
  return rangesOf(list).flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
}

/** First and last of each range of `0-3,7`: what the user says may be astronomical, and is not counted out. */
function rangesOf(list: string): [first: number, last: number][] {
  return list.split(",").map((range) => {
    const [first = "", last = first] = range.split("-");
    return [Number(first), Number(last)];
  });
}
