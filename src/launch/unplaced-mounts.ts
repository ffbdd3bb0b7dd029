import { UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { findDevices } from "./devices.js";
import { containerMounts, type PlacedMount } from "./mounts.js";
import type { FileOptions } from "./options/files.js";

/**
 * The mounts asked for as a spec or a bundle has them, which make nothing: the image's VOLUMEs stay directories of the
 * root filesystem, and a volume is where it will be once `run` or `volume create` has made it.
 * @throws UsageError BAD_VALUE for an anonymous volume
 */
export function unplacedMounts(
  { mounts: asked = [], devices = [] }: FileOptions,
  volumes: string,
): PlacedMount[] {
  const placed = containerMounts(asked, []).map((mount): PlacedMount => {
    if (mount.type !== "volume") return mount;
    const { name } = mount;
    if (name === undefined) {
      throw new UsageError(
        "BAD_VALUE",
        `mount: ${printable(mount.target)}: an anonymous volume (expected a named one)`,
        {
          hint: "only `run` makes volumes for a container; name one, or a directory",
        },
      );
    }
    return { ...mount, name, anonymous: false, directory: `${volumes}/${name}` };
  });
  return [...placed, ...findDevices(devices)];
}
