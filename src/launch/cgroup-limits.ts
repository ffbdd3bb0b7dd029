import { LaunchError } from "../core/errors.js";
import type { PlanStep } from "../helper/plan.js";
import type { Hierarchy } from "./cgroup-hierarchies.js";
import type { CpuLimits, LimitResources, MemoryLimits } from "./oci-spec.js";

/** One limit: the controller that has to keep it, and the flag that asked for it. */
export interface Limit {
  /** cgroup v2's name; v1 calls `io` `blkio`. */
  readonly controller: "memory" | "pids" | "cpu" | "cpuset" | "io" | "freezer" | "devices";
  readonly flag: string;
  readonly v1: readonly LimitWrite[];
  /** Undefined: v2 has no such limit. */
  readonly v2: readonly LimitWrite[] | undefined;
}

export interface LimitWrite {
  readonly file: string;
  readonly value: string;
  /** Only where the kernel counts swap. */
  readonly swap?: true;
  /** Where there is no such file. */
  readonly otherwise?: Pick<LimitWrite, "file" | "value">;
}

/** What to set in one hierarchy. */
export interface HierarchyLimits {
  readonly hierarchy: Hierarchy;
  readonly limits: readonly Limit[];
  readonly containerId: string;
}

/** How to set it. */
export interface HierarchyPlan {
  readonly hostSteps: readonly PlanStep[];
  /** The container's own cgroup, an absolute host directory. */
  readonly group: string;
}

/** The limits in `resources`. */
export function limitsOf({ memory, pids, cpu, blockIO }: LimitResources): Limit[] {
  const shares = cpu?.shares;
  const weight = blockIO?.weight;
  return [
    ...(memory === undefined ? [] : memoryLimits(memory)),
    ...(pids === undefined ? [] : [same("pids", "--pids-limit", ["pids.max", String(pids.limit)])]),
    ...(shares === undefined
      ? []
      : [differing("cpu", "--cpu-shares", ["cpu.shares", shares], ["cpu.weight", cpuWeight(shares)])]),
    ...(cpu === undefined ? [] : [...quotaLimits(cpu), ...cpusetLimits(cpu)]),
    ...(weight === undefined ? [] : [weightLimit(weight)]),
  ];
}

/** For `pause`: what is frozen together is what is in one cgroup. */
export const freezerLimit: Limit = { controller: "freezer", flag: "pause", v1: [], v2: [] };

/** Which devices may be used: set by the child, see device-filter.ts. */
export const deviceLimit: Limit = {
  controller: "devices",
  flag: "--device-cgroup-rule and the letters of --device",
  v1: [],
  v2: [],
};

/** CFQ's file is that of kernels before 5.0; of BFQ's and iocost's only those show that are loaded, and in no root. */
function weightLimit(weight: number): Limit {
  const value = String(weight);
  return {
    controller: "io",
    flag: "--blkio-weight",
    v1: [{ file: "blkio.bfq.weight", value, otherwise: { file: "blkio.weight", value } }],
    v2: [{ file: "io.bfq.weight", value, otherwise: { file: "io.weight", value: String(ioWeight(weight)) } }],
  };
}

/** Sets one of `group`. */
export function limitStep(group: string, { file, value, otherwise }: LimitWrite): PlanStep {
  const first = { path: `${group}/${file}`, data: value };
  if (otherwise === undefined) return { kind: "write", ...first };
  return {
    kind: "write-either",
    ...first,
    otherwise: `${group}/${otherwise.file}`,
    otherwiseData: otherwise.value,
  };
}

function memoryLimits({ limit, swap, reservation, disableOOMKiller }: MemoryLimits): Limit[] {
  const controller = "memory";
  const swapFlag = limit === undefined ? "--memory-swap" : "--memory";
  return [
    ...(limit === undefined
      ? []
      : [differing(controller, "--memory", ["memory.limit_in_bytes", limit], ["memory.max", limit])]),
    // The kernel refuses a v1 memsw limit below the memory limit, so memory comes first. v2 limits swap by itself.
    ...(swap === undefined
      ? []
      : [
          {
            controller,
            flag: swapFlag,
            v1: [{ file: "memory.memsw.limit_in_bytes", value: String(swap), swap: true }],
            v2: [
              {
                file: "memory.swap.max",
                value: swap === -1 ? "max" : String(swap - (limit ?? 0)),
                swap: true,
              },
            ],
          } as const,
        ]),
    ...(reservation === undefined
      ? []
      : [
          differing(
            controller,
            "--memory-reservation",
            ["memory.soft_limit_in_bytes", reservation],
            ["memory.low", reservation],
          ),
        ]),
    ...(disableOOMKiller === true
      ? [
          {
            controller,
            flag: "--oom-kill-disable",
            v1: [{ file: "memory.oom_control", value: "1" }],
            v2: undefined,
          } as const,
        ]
      : []),
  ];
}

function quotaLimits({ quota, period }: CpuLimits): Limit[] {
  if (quota === undefined && period === undefined) return [];
  const limited = quota !== undefined && quota > 0 ? String(quota) : "max";
  return [
    {
      controller: "cpu",
      flag: "--cpus",
      v1: [
        ...(period === undefined ? [] : [{ file: "cpu.cfs_period_us", value: String(period) }]),
        ...(quota === undefined ? [] : [{ file: "cpu.cfs_quota_us", value: String(quota) }]),
      ],
      v2: [{ file: "cpu.max", value: period === undefined ? limited : `${limited} ${period}` }],
    },
  ];
}

function cpusetLimits({ cpus, mems }: CpuLimits): Limit[] {
  return [
    ...(cpus === undefined ? [] : [same("cpuset", "--cpuset-cpus", ["cpuset.cpus", cpus])]),
    ...(mems === undefined ? [] : [same("cpuset", "--cpuset-mems", ["cpuset.mems", mems])]),
  ];
}

type FileValue = readonly [file: string, value: string | number];

function same(controller: Limit["controller"], flag: string, write: FileValue): Limit {
  return differing(controller, flag, write, write);
}

function differing(controller: Limit["controller"], flag: string, v1: FileValue, v2: FileValue): Limit {
  const [one, two] = [v1, v2].map(([file, value]) => [{ file, value: String(value) }]);
  return { controller, flag, v1: one ?? [], v2: two };
}

/** 2 to 262144 as 1 to 10000, the default 1024 as the default 100 (crun 1.23 and runc 1.3 have the same curve). */
export function cpuWeight(shares: number): number {
  const exponent = Math.log2(Math.min(Math.max(shares, 2), 262_144));
  return Math.ceil(10 ** ((exponent * exponent + 125 * exponent) / 612 - 7 / 34));
}

/** 10 to 1000 as 1 to 10000 (runc `ConvertBlkIOToIOWeightValue`). */
function ioWeight(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

/** A limit that cannot be set is an error, never silence. */
export function noCgroup(limits: readonly Limit[], problem: string, hint: string): LaunchError {
  const flags = [...new Set(limits.map((limit) => limit.flag))].join(", ");
  const names = [...new Set(limits.map((limit) => limit.controller))].join(", ");
  return new LaunchError("NO_CGROUP", `${flags}: cgroup controller ${names}: ${problem}`, {
    hint: `${hint}, or leave out ${flags}`,
  });
}
