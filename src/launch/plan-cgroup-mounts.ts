import { mountFlags } from "../helper/constants.js";
import type { PlanStep } from "../helper/plan.js";
import type { CgroupPlan } from "./cgroups.js";
import { parseMountOptions } from "./mount-options.js";
import type { Mount } from "./oci-spec.js";

/**
 * The spec's one `cgroup` mount, spelt out. With only v2 that is its filesystem; otherwise a tmpfs with a directory
 * for each hierarchy, as on a v1 or hybrid host. Only hierarchies in which the container has its own cgroup are
 * shown: of the others it would see what it shares with the host, or all of it.
 */
export function cgroupMountSteps(mount: Mount, cgroups: CgroupPlan): PlanStep[] {
  const { flags } = parseMountOptions(mount.options);
  const target = mount.destination;
  if (cgroups.unified && cgroups.own.length > 0) return [mountV2(target, flags)];
  const writable = flags & ~mountFlags.MS_RDONLY;
  return [
    { kind: "mount", fstype: "tmpfs", source: "tmpfs", target, flags: writable, data: "mode=755,size=64k" },
    ...cgroups.own.flatMap((hierarchy) =>
      hierarchy.version === 2
        ? [mountV2(`${target}/unified`, flags)]
        : mountV1(target, hierarchy.controllers, flags),
    ),
    { kind: "remount", target, flags },
  ];
}

function mountV2(target: string, flags: number): PlanStep {
  return { kind: "mount", fstype: "cgroup2", source: "cgroup", target, flags, data: "" };
}

/** `cpu,cpuacct` is one directory, and a link to it under each name. */
function mountV1(target: string, controllers: readonly string[], flags: number): PlanStep[] {
  const data = controllers.join(",");
  const links = controllers.length < 2 ? [] : controllers;
  return [
    { kind: "mount", fstype: "cgroup", source: "cgroup", target: `${target}/${data}`, flags, data },
    ...links.map((name): PlanStep => ({ kind: "symlink", text: data, target: `${target}/${name}` })),
  ];
}
