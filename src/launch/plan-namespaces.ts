import { hinted } from "./hinted.js";
import { LaunchError } from "../core/errors.js";
import { cloneFlags, mountFlags } from "../helper/constants.js";
import type { Lower } from "../helper/lower.js";
import type { Plan, PlanStep } from "../helper/plan.js";
import type { Privilege } from "../helper/privilege.js";
import type { OwnCapabilities } from "./capabilities.js";
import type { CgroupPlan } from "./cgroups.js";
import { idMapsOf, planMap } from "./id-mappings.js";
import { namespaceFlags } from "./namespaces.js";
import type { NetworkSteps } from "./network/steps.js";
import type { NamespaceType, Spec } from "./oci-spec.js";
import type { PlacedMount } from "./mounts.js";
import type { SeccompProgram } from "./seccomp-compile.js";
import { directorySteps, rootSteps } from "./plan-root.js";
import { attachTreeStep, copyUpSteps, mountTrees, openTreeStep } from "./plan-trees.js";
import { mountSteps } from "./plan-mounts.js";
import { keepSteps, streamSteps, type Supervision } from "./plan-supervise.js";
import { oomScoreSteps, processSteps } from "./plan-process.js";
import { sysctlPath } from "./sysctls.js";

export interface NamespacePlanInput {
  readonly spec: Spec;
  readonly containerId: string;
  /** Absolute. */
  readonly containerDir: string;
  /** What goes once the container has ended, with everything in it; nothing where the container stays. */
  readonly remove: readonly string[];
  /** What the root filesystem is made of, top first, at least one. */
  readonly lowers: readonly Lower[];
  /** A host directory that is the root filesystem, as it is; then there are no lowers. */
  readonly rootDir?: string | undefined;
  readonly privilege: Privilege;
  readonly own: OwnCapabilities;
  /** Of the spec's profile. */
  readonly seccomp?: SeccompProgram | undefined;
  readonly cgroups: CgroupPlan;
  /** What its network takes beyond a namespace. */
  readonly network?: NetworkSteps | undefined;
  /** The mounts in the spec that were asked for. */
  readonly mounts?: readonly PlacedMount[];
  /** Before the clone, for the namespaces it shares with other containers. */
  readonly joins?: readonly PlanStep[];
  /** Where devices are that a container may open besides the usual ones, so that its mounts are not all nodev. */
  readonly anyDevice?: boolean;
  /** Whether its first process is ours: see {@link IsolationOptions}. */
  readonly init?: boolean;
  /** Whether the container gets our stdin. */
  readonly interactive: boolean;
  /** Undefined: it runs in the foreground. */
  readonly supervision?: Supervision | undefined;
}

/** The plan for a container in namespaces of its own. @throws LaunchError NO_NAMESPACES */
export function planNamespaces(input: NamespacePlanInput): Plan {
  const { spec, privilege } = input;
  if (privilege.kind === "confined") throw noNamespaces(privilege.reason);
  const trees = mountTrees(input.mounts ?? []);
  return [
    { kind: "seal" },
    ...input.cgroups.hostSteps,
    ...cloneSteps(input),
    // Not with the clone: the cgroup namespace's root is the cgroup we are in when it is made.
    ...(has(spec, "cgroup") ? [{ kind: "unshare", flags: cloneFlags.CLONE_NEWCGROUP } as const] : []),
    ...trees.map(openTreeStep),
    { kind: "private-mounts" },
    ...rootSteps(input),
    ...copyUpSteps(input.mounts ?? []),
    ...spec.mounts.flatMap((mount) => {
      const tree = trees.find(({ target }) => target === mount.destination);
      return tree === undefined ? mountSteps(mount, input) : [attachTreeStep(tree, mount)];
    }),
    ...sysctlSteps(spec.linux.sysctl ?? {}),
    ...sealSteps(input),
    ...identitySteps(input),
    ...streamSteps({ process: spec.process, interactive: input.interactive }),
    // Not before the mounts, which may open loop devices; not after the pivot, since the cgroup is the host's.
    ...input.cgroups.childSteps,
    { kind: "pivot" },
    ...processSteps({
      process: spec.process,
      own: idMapsOf(privilege) === undefined ? input.own : undefined,
      noNewPrivileges: spec.process.noNewPrivileges,
      seccomp: input.seccomp,
      init: input.init ?? false,
    }),
    ...createdSteps(input.network),
    { kind: "cleanup" },
    ...input.cgroups.cleanupSteps,
    ...(input.network?.cleanup ?? []),
    ...input.remove.map((path): PlanStep => ({ kind: "remove-tree", path })),
  ];
}

function cloneSteps(input: NamespacePlanInput): PlanStep[] {
  const { spec, privilege, containerDir, lowers, network, joins, supervision } = input;
  return [
    // Held as long as we live: tells a running container from what a crash left.
    { kind: "lock", path: `${containerDir}/lock` },
    ...keepSteps({ containerDir, supervision, process: spec.process }),
    ...directorySteps(lowers, containerDir),
    ...(network?.host ?? []),
    ...(joins ?? []),
    ...oomSteps(spec, privilege),
    ...hinted(namespaceHint(privilege), cloneStep(input)),
  ];
}

/** Of those namespaces that are not joined, and the cgroup one: see above. */
function cloneStep({ spec, privilege, cgroups, network, joins }: NamespacePlanInput): PlanStep {
  const joined = [...(network?.host ?? []), ...(joins ?? [])].reduce<number>(
    (flags, step) => (step.kind === "join" ? flags | step.namespaces : flags),
    cloneFlags.CLONE_NEWCGROUP,
  );
  const flags = namespaceFlags(spec.linux.namespaces.map(({ type }) => type)) & ~joined;
  const mapped = (flags & cloneFlags.CLONE_NEWUSER) !== 0;
  const programs = mapped && privilege.kind === "subordinate" ? privilege : undefined;
  return {
    kind: "clone",
    flags,
    uidMap: mapped ? planMap(spec.linux.uidMappings) : "",
    gidMap: mapped ? planMap(spec.linux.gidMappings) : "",
    newuidmap: programs?.newuidmap ?? "",
    newgidmap: programs?.newgidmap ?? "",
    cgroupProcs: cgroups.procsFiles,
  };
}

function createdSteps(network: NetworkSteps | undefined): PlanStep[] {
  const steps = network?.created ?? [];
  return steps.length === 0 ? [] : [{ kind: "created" }, ...steps];
}

function noNamespaces(reason: string): LaunchError {
  return new LaunchError("NO_NAMESPACES", `namespaces: not available here: ${reason}`, {
    hint: "use --isolation chroot, which is no sandbox, or run outside this container",
  });
}

function namespaceHint(privilege: Privilege): string {
  return privilege.kind === "root"
    ? "root may not make namespaces here (an ordinary container?); use --isolation chroot, which is no sandbox"
    : "user namespaces are not allowed here; run with sudo, or have kernel.unprivileged_userns_clone enabled";
}

function has({ linux }: Spec, wanted: NamespaceType): boolean {
  return linux.namespaces.some(({ type, path }) => type === wanted && path === undefined);
}

/** In a user namespace before the clone: the child's own file belongs to an id it cannot act as. */
function oomSteps({ process }: Spec, privilege: Privilege): PlanStep[] {
  if (process.oomScoreAdj === undefined || idMapsOf(privilege) === undefined) return [];
  return oomScoreSteps(process.oomScoreAdj);
}

function sysctlSteps(sysctl: Readonly<Record<string, string>>): PlanStep[] {
  const entries = Object.entries(sysctl);
  if (entries.length === 0) return [];
  const text =
    "the kernel has no such setting for a container here, or takes no such value: leave it out of --sysctl";
  return hinted(
    text,
    ...entries.map(([key, value]): PlanStep => ({ kind: "sysctl", key: sysctlPath(key), value })),
  );
}

/** Closes what is open after the mounts. `nodev` on the root goes with plan-dev.ts. */
function sealSteps({ spec, anyDevice }: NamespacePlanInput): PlanStep[] {
  const { linux, root, process } = spec;
  const nodev = anyDevice === true ? 0 : mountFlags.MS_NODEV;
  const uid = linux.uidMappings?.[0]?.containerID ?? 0;
  const gid = linux.gidMappings?.[0]?.containerID ?? 0;
  return [
    ...linux.maskedPaths.map((target): PlanStep => ({ kind: "mask", target })),
    ...linux.readonlyPaths.map((target): PlanStep => ({ kind: "readonly", target })),
    ...(process.cwd === "/" ? [] : [{ kind: "mkdir", target: process.cwd, mode: 0o755, uid, gid } as const]),
    { kind: "remount", target: "/", flags: nodev | (root.readonly ? mountFlags.MS_RDONLY : 0) },
  ];
}

function identitySteps({ spec, containerId, network }: NamespacePlanInput): PlanStep[] {
  return [
    ...(spec.hostname === undefined ? [] : [{ kind: "hostname", name: spec.hostname } as const]),
    ...(has(spec, "network") ? [{ kind: "loopback" } as const] : []),
    ...(network?.child ?? []),
    // runc's name for it. A keyring of its own: the session's holds keys of whoever started us.
    { kind: "session-keyring", name: `_ses.${containerId}` },
  ];
}
