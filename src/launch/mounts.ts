import { printable } from "../core/text.js";
import { LaunchError } from "../core/errors.js";
import type { PlacedDevice } from "./devices.js";
import { mountTarget } from "./mount-checks.js";
import type { BindMount, FileMount, TmpfsMount, VolumeMount } from "./options/files.js";
import type { Mount } from "./oci-spec.js";
import { tmpfsOptions } from "./tmpfs-options.js";

/** A mount with everything known that takes a look at the host. */
export type PlacedMount = BindMount | TmpfsMount | PlacedVolume | PlacedDevice;

export interface PlacedVolume extends VolumeMount {
  readonly name: string;
  readonly anonymous: boolean;
  /** Absolute host directory of the volume, which holds `data`. */
  readonly directory: string;
}

/**
 * All mounts of a container with their targets normalised: those asked for, and an anonymous volume for each VOLUME of
 * the image at whose path nothing else is mounted.
 */
export function containerMounts(asked: readonly FileMount[], imageVolumes: readonly string[]): FileMount[] {
  const mounts = asked.map((mount) => ({ ...mount, target: mountTarget(mount.target) }));
  const taken = new Set(mounts.map(({ target }) => target));
  const targets = new Set(imageVolumes.map(imageVolumeTarget));
  const volumes = [...targets].filter((target) => !taken.has(target));
  return [...mounts, ...volumes.map((target) => ({ type: "volume", target }) as const)];
}

function imageVolumeTarget(path: string): string {
  try {
    return mountTarget(path);
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    throw new LaunchError("BAD_IMAGE", `image: VOLUME ${printable(path)}: not possible: ${message}`, {
      hint: "an image that hides /proc or the root from its container is broken or hostile",
      cause: error,
    });
  }
}

/** A mount as the OCI spec has it. Everything a container can write to is `nodev` (ADR 5) unless it `opensNodes`. */
export function ociMount(mount: PlacedMount, opensNodes: boolean): Mount {
  const nodev = opensNodes ? [] : ["nodev"];
  if (mount.type === "device") {
    const options = ["bind", "rprivate", "nosuid", "noexec", "ro"];
    return { destination: mount.target, type: "bind", source: mount.source, options };
  }
  const { target: destination, readOnly = false } = mount;
  if (mount.type === "tmpfs") {
    return { destination, type: "tmpfs", source: "tmpfs", options: tmpfsOptions(mount) };
  }
  if (mount.type === "volume") {
    const source = [mount.directory, "data", ...(mount.subpath === undefined ? [] : [mount.subpath])].join(
      "/",
    );
    const ro = readOnly ? ["ro", "rro"] : [];
    return { destination, type: "bind", source, options: ["rbind", "rprivate", ...nodev, ...ro] };
  }
  const { source, propagation = "rprivate", recursive = "enabled" } = mount;
  const bind = recursive === "disabled" ? "bind" : "rbind";
  const ro = !readOnly ? [] : recursive === "enabled" ? ["ro", "rro"] : ["ro"];
  const device = harmlessDevices.has(source) ? [] : nodev;
  return { destination, type: "bind", source, options: [bind, propagation, ...device, ...ro] };
}

/** What people bind over files to hide them. Those names are the host's: no container can put another node there. */
const harmlessDevices = new Set(["null", "zero", "full", "random", "urandom"].map((name) => `/dev/${name}`));

/** Parents before what is mounted in them; at the same depth in the order given. */
export function byDepth(mounts: readonly Mount[]): Mount[] {
  const depth = ({ destination }: Mount): number => destination.split("/").length;
  return mounts.toSorted((a, b) => depth(a) - depth(b));
}
