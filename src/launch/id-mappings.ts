import { mapText } from "../helper/id-maps.js";
import type { IdMapping, Privilege } from "../helper/privilege.js";
import { LaunchError } from "../core/errors.js";
import type { OciIdMapping } from "./oci-spec.js";
import type { ContainerUser } from "./user.js";

export interface IdMaps {
  readonly uidMap: readonly IdMapping[];
  readonly gidMap: readonly IdMapping[];
}

/** The maps of the container's user namespace; undefined when it has none of its own. */
export function idMapsOf(privilege: Privilege): IdMaps | undefined {
  return privilege.kind === "subordinate" || privilege.kind === "single" ? privilege : undefined;
}

/**
 * Where there is only one id to give, it goes to the user the container runs as, so that an image's USER works: the
 * files are that user's, and nobody else exists.
 */
export function privilegeFor(user: ContainerUser, privilege: Privilege): Privilege {
  if (privilege.kind !== "single") return privilege;
  const { uidMap, gidMap } = privilege;
  return { ...privilege, uidMap: renumber(uidMap, user.uid), gidMap: renumber(gidMap, user.gid) };
}

function renumber(map: readonly IdMapping[], inside: number): IdMapping[] {
  return map.map(({ outside, count }) => ({ inside, outside, count }));
}

export function isMapped(map: readonly IdMapping[], id: number): boolean {
  return map.some(({ inside, count }) => id >= inside && id < inside + count);
}

/** The other way: of a spec's mappings, the text for a plan. */
export function planMap(mappings: readonly OciIdMapping[] = []): string {
  return mapText(
    mappings.map(({ containerID, hostID, size }) => ({ inside: containerID, outside: hostID, count: size })),
  );
}

export function ociMapping(map: readonly IdMapping[]): OciIdMapping[] {
  return map.map(({ inside, outside, count }) => ({ containerID: inside, hostID: outside, size: count }));
}

/** The kernel would answer setuid with a bare EINVAL, so it is said here. @throws LaunchError BAD_USER */
export function requireMapped(user: ContainerUser, privilege: Privilege): void {
  const maps = idMapsOf(privilege);
  if (maps === undefined) return;
  if (privilege.kind === "single") return;
  const gid = [user.gid, ...user.groups].find((id) => !isMapped(maps.gidMap, id));
  const missing = !isMapped(maps.uidMap, user.uid)
    ? `uid ${user.uid}`
    : gid === undefined
      ? ""
      : `gid ${gid}`;
  if (missing === "") return;
  throw new LaunchError(
    "BAD_USER",
    `user: ${missing}: does not exist in this user namespace (expected a mapped id)`,
    { hint: "give yourself a wider range in /etc/subuid and /etc/subgid, or run with sudo" },
  );
}
