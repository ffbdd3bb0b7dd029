import type { Plan } from "../helper/plan.js";
import type { OwnCapabilities } from "./capabilities.js";
import { namespaceFlags } from "./namespaces.js";
import type { NamespaceType, Process } from "./oci-spec.js";
import { processSteps } from "./plan-process.js";
import { streamSteps, superviseStep } from "./plan-supervise.js";
import type { SeccompProgram } from "./seccomp-compile.js";

/** A running container, as its directory tells. */
export interface RunningContainer {
  readonly containerId: string;
  /** Host pid of its first process, and when that started: field 22 of /proc/PID/stat. */
  readonly pid: number;
  readonly start: bigint;
  /** What it does not share with the host. */
  readonly namespaces: readonly NamespaceType[];
  /** `cgroup.procs` files of its cgroups. */
  readonly procsFiles: readonly string[];
}

export interface ExecPlanInput {
  readonly container: RunningContainer;
  readonly process: Process;
  /** Our own capabilities; of no consequence where the container has a user namespace. */
  readonly own: OwnCapabilities;
  readonly interactive: boolean;
  /** Whether a supervisor in the background runs it, which a terminal takes. */
  readonly supervised: boolean;
  /** Of the container's spec. */
  readonly seccomp: SeccompProgram | undefined;
}

/** Nobody attaches to it later, and what it says is lost with its client. */
const unwatched = { logBytes: 0, restart: { name: "no" } } as const;

/** It may have few ids: as many as the one who made it. For a new container that is looked at before. */
const noSuchId =
  "the container's user namespace has no such id: make the container with it (run -u), or with more of them " +
  "(ranges in /etc/subuid, see pullrun doctor)";

function inputOf({ interactive }: ExecPlanInput): "once" | "closed" {
  return interactive ? "once" : "closed";
}

/** The plan for one more process in a running container, with no more privileges than the container has. */
export function planExec(input: ExecPlanInput): Plan {
  const { container, process, own } = input;
  const { pid, start, namespaces, procsFiles } = container;
  const ownsIds = namespaces.includes("user");
  return [
    { kind: "seal" },
    ...(input.supervised
      ? [superviseStep("", { ...unwatched, input: inputOf(input) }, process.terminal)]
      : []),
    { kind: "join", pid, start, namespaces: namespaceFlags(namespaces) },
    {
      kind: "clone",
      flags: 0,
      uidMap: "",
      gidMap: "",
      newuidmap: "",
      newgidmap: "",
      cgroupProcs: procsFiles,
    },
    // The caller's keyring must not come along.
    { kind: "session-keyring", name: `_ses.${container.containerId}` },
    // What a terminal is made from is looked for below a root; having joined, that is the container's.
    ...(process.terminal ? [{ kind: "root-dir", path: "/" } as const] : []),
    ...streamSteps({ process, interactive: input.interactive, joining: true }),
    ...processSteps({
      process,
      own: ownsIds ? undefined : own,
      idHint: ownsIds ? noSuchId : undefined,
      noNewPrivileges: process.noNewPrivileges,
      seccomp: input.seccomp,
    }),
  ];
}
