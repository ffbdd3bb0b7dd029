import { mountFlags } from "../helper/constants.js";
import type { Plan, PlanStep } from "../helper/plan.js";
import { planMap } from "./id-mappings.js";
import { namespaceFlags } from "./namespaces.js";
import { runtimeCgroup } from "./runtime-spec.js";
import type { NamespacePlanInput } from "./plan-namespaces.js";
import { directorySteps, rootSteps } from "./plan-root.js";
import { keepSteps, streamSteps } from "./plan-supervise.js";
import { copyUpSteps } from "./plan-trees.js";

export interface RuntimePlanInput extends Pick<
  NamespacePlanInput,
  | "spec"
  | "containerId"
  | "containerDir"
  | "remove"
  | "lowers"
  | "rootDir"
  | "privilege"
  | "mounts"
  | "supervision"
  | "cgroups"
> {
  /** Absolute path of the OCI runtime. */
  readonly runtime: string;
  /** With config.json. */
  readonly bundle: string;
  readonly interactive: boolean;
}

/**
 * The plan for a container of another OCI runtime, which gets the container's directory as its bundle (ADR 16). It runs in
 * a mount and a process namespace of its own: the root file system shows in the one only, and whoever kills the
 * runtime kills all that is in the other. Without root it has a user namespace, too, of which it is the root; there it is in
 * the container's cgroup, whose limits hold for both, unless it can make one below for the container alone.
 */
export function planRuntime(input: RuntimePlanInput): Plan {
  const { spec, containerDir, lowers, supervision, mounts = [] } = input;
  const cgroups = isMapped(spec) ? input.cgroups : undefined;
  return [
    { kind: "seal" },
    ...(cgroups?.hostSteps ?? []),
    { kind: "lock", path: `${containerDir}/lock` },
    ...keepSteps({ containerDir, supervision, process: spec.process }),
    // Of the start before.
    ...[logFile(input), pidFile(input), stateDir(input)].map((path): PlanStep => ({
      kind: "remove-tree",
      path,
    })),
    ...directorySteps(lowers, containerDir),
    ...exitSteps(logFile(input)),
    { kind: "runtime-pid", path: pidFile(input) },
    cloneStep(input),
    { kind: "private-mounts" },
    ...rootSteps(input),
    ...copyUpSteps(mounts),
    // The runtime looks at its own processes in /proc by the numbers they have in its namespace.
    { kind: "root-dir", path: "/" },
    { kind: "mount", fstype: "proc", source: "proc", target: "/proc", flags: procFlags, data: "" },
    ...runtimeStreams(input),
    { kind: "working-dir", path: "/" },
    { kind: "umask", mask: 0o022 },
    { kind: "environment", entries: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"] },
    { kind: "exec", argv: command(input, ["run", "--bundle", input.bundle, "--pid-file", pidFile(input)]) },
    { kind: "cleanup" },
    // For one that was killed: what it made in cgroups is only known to it.
    {
      kind: "program",
      input: "",
      otherwise: "",
      argv: command(input, ["delete", "--force"]),
      optional: true,
    },
    ...(cgroups?.cleanupSteps ?? []),
    ...input.remove.map((path): PlanStep => ({ kind: "remove-tree", path })),
  ];
}

const procFlags = mountFlags.MS_NOSUID | mountFlags.MS_NODEV | mountFlags.MS_NOEXEC;

/** Whether it has a user namespace of our making; then its cgroup is of our making, too. */
function isMapped({ linux }: NamespacePlanInput["spec"]): boolean {
  return linux.uidMappings !== undefined;
}

/** The terminal is the runtime's own. What happens at it is passed on to the one that it makes for the container. */
function runtimeStreams({ spec, interactive }: RuntimePlanInput): PlanStep[] {
  const process = { ...spec.process, user: { uid: 0, gid: 0 } };
  return streamSteps({ process, interactive, chroot: true });
}

function cloneStep({ spec, privilege, cgroups }: RuntimePlanInput): PlanStep {
  const mapped = isMapped(spec);
  const programs = mapped && privilege.kind === "subordinate" ? privilege : undefined;
  return {
    kind: "clone",
    flags: namespaceFlags(["mount", "pid", ...(mapped ? (["user"] as const) : [])]),
    uidMap: planMap(spec.linux.uidMappings),
    gidMap: planMap(spec.linux.gidMappings),
    newuidmap: programs?.newuidmap ?? "",
    newgidmap: programs?.newgidmap ?? "",
    cgroupProcs: mapped && runtimeCgroup(spec, cgroups) === undefined ? cgroups.procsFiles : [],
  };
}

/** Options that runc and crun have alike. Its state is in the container's directory, and goes with it. */
function command(input: RuntimePlanInput, words: readonly string[]): string[] {
  const state = ["--root", stateDir(input)];
  const log = ["--log", logFile(input), "--log-format", "json"];
  return [input.runtime, ...state, ...log, ...words, input.containerId];
}

function logFile({ containerDir }: Pick<RuntimePlanInput, "containerDir">): string {
  return `${containerDir}/runtime.log`;
}

function stateDir({ containerDir }: Pick<RuntimePlanInput, "containerDir">): string {
  return `${containerDir}/runtime`;
}

function pidFile({ containerDir }: Pick<RuntimePlanInput, "containerDir">): string {
  return `${containerDir}/runtime.pid`;
}

/**
 * Docker's 127, 126 and 125 out of what runtimes log (moby daemon/errors.go does so, too): to their own exit status a
 * failure of theirs is the same as a program that ended with 1. The first that fits counts.
 */
function exitSteps(path: string): PlanStep[] {
  const error = '"level":"error"';
  const rules: readonly (readonly [code: number, texts: readonly string[]])[] = [
    [127, ["exec", " not found"]],
    [127, ["exec: ", "no such file or directory"]],
    [127, ["executable", "No such file or directory"]],
    [126, ["exec", "ermission denied"]],
    // crun's for a directory.
    [126, ["open executable", "Operation not permitted"]],
    [126, ["exec", "is a directory"]],
    [126, ["exec", "ormat error"]],
    [125, []],
  ];
  return rules.map(([code, texts]) => ({ kind: "exit-text", path, code, texts: [error, ...texts] }));
}
