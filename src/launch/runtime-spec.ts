import type { Spec } from "./oci-spec.js";

const notTheirs: ReadonlySet<string> = new Set(["uidMappings", "gidMappings", "cgroupsPath", "resources"]);

/**
 * A spec for a runtime that runs as root of a user namespace which we have made, as podman does: the namespace is there, the
 * mappings are those of its maker, and without delegation there is no cgroup to make or to show.
 */
export function specWithinUserNamespace(spec: Spec): unknown {
  const linux = Object.entries(spec.linux).filter(([key]) => !notTheirs.has(key));
  return {
    ...spec,
    mounts: spec.mounts.filter(({ type }) => type !== "cgroup" && type !== "cgroup2"),
    linux: {
      ...Object.fromEntries(linux),
      namespaces: spec.linux.namespaces.filter(({ type }) => type !== "user"),
    },
  };
}
