import { LaunchError } from "../core/errors.js";
import type { Plan, PlanStep } from "../helper/plan.js";
import type { Privilege } from "../helper/privilege.js";
import { capabilityMask, type OwnCapabilities } from "./capabilities.js";
import type { CgroupPlan } from "./cgroups.js";
import type { ContainerFile } from "./container-files.js";
import type { Process, Spec } from "./oci-spec.js";
import { devNodeSteps } from "./plan-dev.js";
import { processSteps } from "./plan-process.js";
import type { SeccompProgram } from "./seccomp-compile.js";
import { keepSteps, streamSteps, type Supervision } from "./plan-supervise.js";

export interface ChrootPlanInput {
  readonly spec: Spec;
  readonly containerId: string;
  /** Absolute. */
  readonly containerDir: string;
  /** What goes once the container has ended, with everything in it; nothing where the container stays. */
  readonly remove: readonly string[];
  /** Absolute: a plain directory with the whole root filesystem, which the container may change. */
  readonly rootDir: string;
  readonly privilege: Privilege;
  readonly own: OwnCapabilities;
  /** Of the spec's profile. */
  readonly seccomp?: SeccompProgram | undefined;
  readonly cgroups: CgroupPlan;
  /** Written over the image's own: they cannot be mounted. */
  readonly files: readonly ContainerFile[];
  readonly interactive: boolean;
  /** Undefined: it runs in the foreground. */
  readonly supervision?: Supervision | undefined;
}

export const chrootWarning =
  "--isolation chroot is not a sandbox: the container shares processes, network and devices with this machine, " +
  "/proc and /sys are empty in it, and its root may find a way out; run only images you trust";

const chrootCapability = capabilityMask(["CAP_SYS_CHROOT"]);

/** With these two the way out of a chroot is in every textbook: chroot(2), "escape", and `mknod` of the disk. */
const dropped = ["CAP_SYS_CHROOT", "CAP_MKNOD"];

/**
 * The plan for a container with nothing but a root directory, for places that allow no namespaces (DESIGN 4).
 * @throws LaunchError NO_NAMESPACES without root and CAP_SYS_CHROOT
 */
export function planChroot(input: ChrootPlanInput): Plan {
  requireChroot(input);
  const { spec, cgroups, files, interactive, containerDir, supervision } = input;
  const { cwd } = spec.process;
  return [
    { kind: "seal" },
    ...cgroups.hostSteps,
    { kind: "lock", path: `${containerDir}/lock` },
    ...keepSteps({ containerDir, supervision, process: spec.process }),
    { ...plainFork, cgroupProcs: cgroups.procsFiles },
    { kind: "root-dir", path: input.rootDir },
    ...devNodeSteps(),
    ...files.map(({ target, content }): PlanStep => ({ kind: "file", target, mode: 0o644, data: content })),
    ...(cwd === "/" ? [] : [{ kind: "mkdir", target: cwd, mode: 0o755, uid: 0, gid: 0 } as const]),
    // A sandbox that denies keyctl denies it to the container as well.
    { kind: "session-keyring", name: `_ses.${input.containerId}`, optional: true },
    ...streamSteps({ process: spec.process, interactive, chroot: true }),
    { kind: "chroot" },
    ...processSteps({
      process: withoutEscape(spec.process),
      own: input.own,
      noNewPrivileges: true,
      seccomp: input.seccomp,
    }),
    { kind: "cleanup" },
    ...cgroups.cleanupSteps,
    ...input.remove.map((path): PlanStep => ({ kind: "remove-tree", path })),
  ];
}

const plainFork = { kind: "clone", flags: 0, uidMap: "", gidMap: "", newuidmap: "", newgidmap: "" } as const;

function requireChroot({ privilege, own }: ChrootPlanInput): void {
  const isRoot = privilege.kind === "root" || (privilege.kind === "confined" && privilege.uid === 0);
  if (isRoot && (own.permitted & chrootCapability) !== 0n) return;
  const observed = isRoot ? "no CAP_SYS_CHROOT" : "not root";
  throw new LaunchError(
    "NO_NAMESPACES",
    `--isolation chroot: ${observed} (expected root with CAP_SYS_CHROOT)`,
    {
      hint: chrootHint(privilege, isRoot),
    },
  );
}

function chrootHint(privilege: Privilege, isRoot: boolean): string {
  if (isRoot) return "run outside this container";
  if (privilege.kind !== "confined") return "leave it out to run in user namespaces, or run as root";
  return "this sandbox lets an ordinary user start no container at all; pull, inspect and unpack work, run works outside";
}

function withoutEscape(process: Process): Process {
  const keep = (names: readonly string[] = []): string[] => names.filter((name) => !dropped.includes(name));
  const { bounding, permitted, effective } = process.capabilities;
  return {
    ...process,
    capabilities: { bounding: keep(bounding), permitted: keep(permitted), effective: keep(effective) },
  };
}
