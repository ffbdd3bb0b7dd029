import { hinted } from "./hinted.js";
import { mountFlags } from "../helper/constants.js";
import type { PlanStep } from "../helper/plan.js";
import type { CgroupPlan } from "./cgroups.js";
import { parseMountOptions } from "./mount-options.js";
import type { Mount, Spec } from "./oci-spec.js";
import { cgroupMountSteps } from "./plan-cgroup-mounts.js";
import { devSteps } from "./plan-dev.js";

export interface MountContext {
  readonly spec: Pick<Spec, "linux">;
  readonly cgroups: CgroupPlan;
  /** Whether nodes in /dev may be opened that are not bound there. */
  readonly anyDevice?: boolean;
}

/** The steps for one mount of the spec, and for what belongs on top of it. */
export function mountSteps(mount: Mount, { spec, cgroups, anyDevice }: MountContext): PlanStep[] {
  const { destination: target, source, type: fstype } = mount;
  const { flags, data } = parseMountOptions(mount.options);
  if (fstype === "bind") return [{ kind: "bind", source, target, flags }];
  if (fstype === "cgroup") return cgroupMountSteps(mount, cgroups);
  if (fstype === "proc") return procSteps({ kind: "mount", fstype, source, target, flags, data });
  const nodev = anyDevice === true ? 0 : mountFlags.MS_NODEV;
  if (target !== "/dev") return [{ kind: "mount", fstype, source, target, flags, data }];
  return [
    { kind: "mount", fstype, source, target, flags: flags | nodev, data },
    ...devSteps(spec.linux.devices ?? []),
  ];
}

/** The kernel's mount_too_revealing: in a user namespace a new proc must not show what the one around it hides. */
function procSteps(mount: PlanStep): PlanStep[] {
  const text =
    "parts of /proc are hidden where pullrun runs (an ordinary container?); give that container an unmasked /proc " +
    "(docker --security-opt systempaths=unconfined, podman --security-opt unmask=ALL), or use --isolation chroot";
  return hinted(text, mount);
}
