import { UsageError } from "../core/errors.js";
import type { IdMapping, Privilege } from "./privilege.js";

/**
 * The same without the subordinate ids: one id in the namespace, ours, which all files are given to. For images with
 * owners outside our ranges. @throws UsageError BAD_FLAG as root, who has all ids there are
 */
export function squashIds(privilege: Privilege): Privilege {
  switch (privilege.kind) {
    case "root":
      throw new UsageError("BAD_FLAG", "--squash-ids: we are root (expected an ordinary user)", {
        hint: "leave it out: root gives each file to its owner",
      });
    case "subordinate":
      return { kind: "single", uidMap: own(privilege.uidMap), gidMap: own(privilege.gidMap), isWanted: true };
    case "single":
      return { ...privilege, isWanted: true };
    case "confined":
      return privilege;
  }
}

/** Ours is root's in the namespace. */
function own(map: readonly IdMapping[]): IdMapping[] {
  const root = map.find(({ inside }) => inside === 0);
  return [{ inside: 0, outside: root?.outside ?? 0, count: 1 }];
}
