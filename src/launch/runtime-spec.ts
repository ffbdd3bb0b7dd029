import { posix } from "node:path";
import { limitsOf } from "./cgroup-limits.js";
import type { CgroupPlan } from "./cgroups.js";
import type { Spec } from "./oci-spec.js";

const notTheirs: ReadonlySet<string> = new Set(["uidMappings", "gidMappings", "cgroupsPath", "resources"]);

/**
 * A spec for a runtime that runs as root of a user namespace which we have made, as podman does: the namespace is there, the
 * mappings are those of its maker, and where there is no cgroup it may make, none is shown.
 */
export function specWithinUserNamespace(spec: Spec, cgroups: CgroupPlan): unknown {
  const linux = Object.entries(spec.linux).filter(([key]) => !notTheirs.has(key));
  const group = runtimeCgroup(spec, cgroups);
  return {
    ...spec,
    mounts: spec.mounts.filter(({ type }) => group !== undefined || !type.startsWith("cgroup")),
    linux: {
      ...Object.fromEntries(linux),
      ...(group === undefined ? {} : { cgroupsPath: group, resources: limitsWithin(spec) }),
      namespaces: spec.linux.namespaces.filter(({ type }) => type !== "user"),
    },
  };
}

/**
 * Where it has limits, and v2 is all there is, a cgroup for the runtime to make below ours, as the path from the top. Left to
 * itself runc takes one beside its own, where they do not hold.
 */
export function runtimeCgroup(
  { linux }: Spec,
  { unified, procsFiles: [procs] }: CgroupPlan,
): string | undefined {
  if (!unified || procs === undefined || limitsOf(linux.resources).length === 0) return undefined;
  return `/${posix.relative("/sys/fs/cgroup", posix.dirname(procs))}/container`;
}

/** They hold above; in its own cgroup the container sees them, too. In a user namespace there are no rules for devices. */
function limitsWithin({ linux }: Spec): unknown {
  return { ...linux.resources, devices: undefined };
}
