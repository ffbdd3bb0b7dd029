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

export function isMapped(map: readonly IdMapping[], id: number): boolean {
  return map.some(({ inside, count }) => id >= inside && id < inside + count);
}

/** As /proc/PID/uid_map takes it. */
export function mapText(map: readonly IdMapping[]): string {
  return map.map(({ inside, outside, count }) => `${inside} ${outside} ${count}\n`).join("");
}

export function ociMapping(map: readonly IdMapping[]): OciIdMapping[] {
  return map.map(({ inside, outside, count }) => ({ containerID: inside, hostID: outside, size: count }));
}

/** The kernel would answer setuid with a bare EINVAL, so it is said here. @throws LaunchError BAD_USER */
export function requireMapped(user: ContainerUser, privilege: Privilege): void {
  const maps = idMapsOf(privilege);
  if (maps === undefined) return;
  // In a single-id namespace setgroups is denied and supplementary groups are left out instead.
  const gids = privilege.kind === "single" ? [user.gid] : [user.gid, ...user.groups];
  const gid = gids.find((id) => !isMapped(maps.gidMap, id));
  const missing = !isMapped(maps.uidMap, user.uid)
    ? `uid ${user.uid}`
    : gid === undefined
      ? ""
      : `gid ${gid}`;
  if (missing === "") return;
  throw new LaunchError(
    "BAD_USER",
    `user: ${missing}: does not exist in this user namespace (expected a mapped id)`,
    {
      hint:
        privilege.kind === "single"
          ? "only root exists without ranges in /etc/subuid and /etc/subgid and newuidmap (package uidmap); add them, run with sudo, or --user 0"
          : "give yourself a wider range in /etc/subuid and /etc/subgid, or run with sudo",
    },
  );
}
