import { hinted } from "./hinted.js";
import type { PlanStep } from "../helper/plan.js";
import { capabilityMask, type OwnCapabilities } from "./capabilities.js";
import type { Process } from "./oci-spec.js";
import type { SeccompProgram } from "./seccomp-compile.js";
import { rlimitSteps } from "./ulimits.js";

export interface ProcessStepsInput {
  readonly process: Process;
  /** What we have ourselves to hand on; undefined for everything, as in a new user namespace. */
  readonly own: OwnCapabilities | undefined;
  readonly noNewPrivileges: boolean;
  readonly seccomp: SeccompProgram | undefined;
  /** Whether a process of ours stays as the first, and the command becomes its child. */
  readonly init?: boolean;
  /** What to do where the user namespace has no such id. */
  readonly idHint?: string | undefined;
}

const setGroups = capabilityMask(["CAP_SETGID"]);
const dropBounding = capabilityMask(["CAP_SETPCAP"]);

/** From inside the new root to the command: directory, privileges, environment, exec. */
export function processSteps(input: ProcessStepsInput): PlanStep[] {
  const { noNewPrivileges, seccomp, own } = input;
  const { cwd, env, args, rlimits = [], oomScoreAdj, user } = input.process;
  const filter = seccomp === undefined ? [] : seccompSteps(seccomp);
  return [
    // Before the user is dropped, as runc: a user may start in a directory it may not enter.
    { kind: "working-dir", path: cwd },
    { kind: "umask", mask: user.umask ?? 0o022 },
    { kind: "environment", entries: env },
    ...rlimitSteps(rlimits),
    // Only a process that keeps its ids can write it now: see plan-namespaces.ts for the others.
    ...(oomScoreAdj === undefined || own === undefined ? [] : oomScoreSteps(oomScoreAdj)),
    // The kernel takes a filter from who has CAP_SYS_ADMIN, which the next step drops, or can gain nothing any more.
    ...(noNewPrivileges ? [] : filter),
    ...credentialSteps(input),
    ...(noNewPrivileges ? [{ kind: "no-new-privileges" } as const, ...filter] : []),
    ...(input.init === true ? [{ kind: "init" } as const] : []),
    { kind: "exec", argv: args },
  ];
}

export function oomScoreSteps(value: number): PlanStep[] {
  const text =
    "only root, with CAP_SYS_RESOURCE, can lower an OOM score: give --oom-score-adj one above ours";
  return hinted(text, { kind: "oom-score", value: String(value) });
}

function seccompSteps(program: SeccompProgram): PlanStep[] {
  const text = "the kernel takes no seccomp filter here: try --security-opt seccomp=unconfined";
  return hinted(text, { kind: "seccomp", ...program });
}

function credentialSteps(input: ProcessStepsInput): PlanStep[] {
  const { idHint } = input;
  return idHint === undefined ? [credentials(input)] : hinted(idHint, credentials(input));
}

function credentials({ process, own }: ProcessStepsInput): PlanStep {
  const { bounding, permitted = [], effective = [] } = process.capabilities;
  const { uid, gid, additionalGids } = process.user;
  const may = (capability: bigint): boolean => own === undefined || (own.permitted & capability) !== 0n;
  const limit = own?.permitted ?? ~0n;
  return {
    kind: "credentials",
    uid,
    gid,
    groups: may(setGroups) ? additionalGids : undefined,
    // The set can only shrink, and only with CAP_SETPCAP; then a sandbox around us has shrunk it already.
    bounding: may(dropBounding) ? capabilityMask(bounding) & (own?.bounding ?? ~0n) : (own?.bounding ?? 0n),
    permitted: capabilityMask(permitted) & limit,
    effective: capabilityMask(effective) & limit,
    inheritable: 0n,
    ambient: 0n,
  };
}
