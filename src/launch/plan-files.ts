import { cloneFlags, mountFlags } from "../helper/constants.js";
import type { Lower } from "../helper/lower.js";
import type { Plan, PlanStep } from "../helper/plan.js";
import type { Privilege } from "../helper/privilege.js";
import { planMap } from "./id-mappings.js";
import type { PlacedMount } from "./mounts.js";
import { namespaceFlags } from "./namespaces.js";
import type { Spec } from "./oci-spec.js";
import type { RunningContainer } from "./plan-exec.js";
import { parseMountOptions } from "./mount-options.js";
import { directorySteps, rootSteps } from "./plan-root.js";
import { attachTreeStep, mountTrees, openTreeStep } from "./plan-trees.js";

/** Plans that read and write a container's files, without running anything of it. */

const plainClone = { kind: "clone", uidMap: "", gidMap: "", newuidmap: "", newgidmap: "" } as const;

/** `steps` with a directory of this machine as root. */
export function planInDirectory(root: string, steps: Plan): Plan {
  return [
    { ...plainClone, flags: 0, cgroupProcs: [] },
    { kind: "root-dir", path: root },
    ...steps,
    { kind: "exit", code: 0 },
  ];
}

/** Sees what the container's processes see, mounts included; is not seen by them, having another pid namespace. */
export function planInRunning(
  { pid, start, namespaces }: Pick<RunningContainer, "pid" | "start" | "namespaces">,
  steps: Plan,
): Plan {
  const needed = namespaces.filter((type) => type === "mount" || type === "user");
  return [{ kind: "join", pid, start, namespaces: namespaceFlags(needed) }, ...planInDirectory("/", steps)];
}

export interface StoppedContainer {
  readonly spec: Spec;
  /** Absolute. */
  readonly containerDir: string;
  readonly lowers: readonly Lower[];
  readonly rootDir?: string | undefined;
  readonly privilege: Privilege;
  readonly mounts: readonly PlacedMount[];
}

/**
 * Its root filesystem with volumes and binds, in a mount namespace that goes with the plan. The container's lock is held:
 * it cannot be started meanwhile.
 */
export function planInStopped(container: StoppedContainer, steps: Plan): Plan {
  const { spec, containerDir, lowers, privilege, mounts } = container;
  const { uidMappings, gidMappings } = spec.linux;
  const trees = mountTrees(mounts);
  const flags = cloneFlags.CLONE_NEWNS | (uidMappings === undefined ? 0 : cloneFlags.CLONE_NEWUSER);
  const { MS_NODEV, MS_RDONLY } = mountFlags;
  return [
    { kind: "lock", path: `${containerDir}/lock` },
    ...directorySteps(lowers, containerDir),
    {
      kind: "clone",
      flags,
      uidMap: planMap(uidMappings),
      gidMap: planMap(gidMappings),
      newuidmap: privilege.kind === "subordinate" ? privilege.newuidmap : "",
      newgidmap: privilege.kind === "subordinate" ? privilege.newgidmap : "",
      cgroupProcs: [],
    },
    ...trees.map(openTreeStep),
    { kind: "private-mounts" },
    ...rootSteps({ containerDir, lowers, privilege, rootDir: container.rootDir }),
    ...spec.mounts.flatMap((mount): PlanStep[] => {
      const asked = mounts.some(({ target, type }) => target === mount.destination && type !== "tmpfs");
      if (!asked) return [];
      const tree = trees.find(({ target }) => target === mount.destination);
      if (tree !== undefined) return [attachTreeStep(tree, mount)];
      const { source, destination: target, options } = mount;
      return [{ kind: "bind", source, target, flags: parseMountOptions(options).flags }];
    }),
    { kind: "remount", target: "/", flags: MS_NODEV | (spec.root.readonly ? MS_RDONLY : 0) },
    ...steps,
    { kind: "exit", code: 0 },
  ];
}
