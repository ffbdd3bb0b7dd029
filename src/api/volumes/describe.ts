import type { PlacedMount } from "../../launch/mounts.js";

/** The mounts of a container as docker's `inspect` has them; devices are not among those. */
export function describeMounts(mounts: readonly PlacedMount[]): Record<string, unknown>[] {
  return mounts.flatMap((mount) => {
    if (mount.type === "device") return [];
    const { type, target: Destination, readOnly = false } = mount;
    const common = { Type: type, Destination, Mode: "", RW: !readOnly };
    switch (type) {
      case "volume":
        return [
          {
            ...common,
            Name: mount.name,
            Source: `${mount.directory}/data`,
            Driver: "local",
            Propagation: "",
          },
        ];
      case "bind":
        return [{ ...common, Source: mount.source, Propagation: mount.propagation ?? "rprivate" }];
      case "tmpfs":
        return [{ ...common, Source: "", Propagation: "" }];
    }
  });
}
