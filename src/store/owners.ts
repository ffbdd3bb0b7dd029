import { createHash } from "node:crypto";
import { LayerError } from "../core/errors.js";
import type { EntryMeta } from "../helper/entries.js";
import type { IdMapping, Privilege } from "../helper/privilege.js";
import type { EntryAttributes } from "./entry.js";
import { keptXattrs, type Say } from "./kept-xattrs.js";
import type { TreeNode } from "./tree.js";

/** What of an image's owners, devices and xattrs can be made real with the privilege at hand. */
export interface OwnerPolicy {
  /** Tells directories made under different policies apart: "" for an exact copy, else `.` and 12 hex digits. */
  readonly flavour: string;
  /** Metadata as the helper is to set it. @throws LayerError UNSUPPORTED_LAYER for an id outside the map */
  metaOf(node: TreeNode, path: () => string): EntryMeta;
  /** False for a node that is left out. */
  includes(node: TreeNode): boolean;
}

/**
 * @param warn called at most once per kind of loss
 * @param unsupported from {@link unsupportedXattrs}
 */
export function ownerPolicy(
  privilege: Privilege,
  warn: (message: string) => void,
  unsupported: ReadonlySet<string> = new Set(),
): OwnerPolicy {
  const say = onceEach(warn);
  const squash = squashedOwner(privilege);
  const isFull = privilege.kind === "root";
  const isLoss = squash !== undefined && !(privilege.kind === "single" && privilege.isWanted === true);
  return {
    flavour: flavourOf(privilege),
    includes(node) {
      if (isFull || (node.kind !== "char" && node.kind !== "block")) return true;
      say("devices", "device nodes of the image were left out: making them takes root");
      return false;
    },
    metaOf(node, path) {
      const { attributes } = node;
      const owner = squash ?? attributes;
      if (privilege.kind === "subordinate") checkMapped(privilege, attributes, path);
      if (isLoss && (attributes.uid !== 0 || attributes.gid !== 0)) {
        const ranges = "other owners take ranges in /etc/subuid and /etc/subgid";
        say("owners", `all files of the image belong to root: ${ranges}`);
      }
      const xattrs = keptXattrs(node, { privilege, unsupported, say });
      return { ...attributes, mode: modeOf(node), uid: owner.uid, gid: owner.gid, xattrs };
    },
  };
}

const fileTypes = {
  char: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
  whiteout: 0o020000,
  file: 0,
  dir: 0,
  symlink: 0,
};

function modeOf(node: TreeNode): number {
  return node.attributes.mode | fileTypes[node.kind];
}

/** Undefined where owners are kept. */
function squashedOwner(privilege: Privilege): { uid: number; gid: number } | undefined {
  if (privilege.kind === "single") return { uid: 0, gid: 0 };
  if (privilege.kind !== "confined" || privilege.uid === 0) return undefined;
  // Without a namespace our own id is the only one we may give a file.
  return { uid: privilege.uid, gid: process.getegid?.() ?? privilege.uid };
}

function checkMapped(
  { uidMap, gidMap }: { readonly uidMap: readonly IdMapping[]; readonly gidMap: readonly IdMapping[] },
  { uid, gid }: EntryAttributes,
  path: () => string,
): void {
  const problem = !isMapped(uidMap, uid) ? { id: `uid ${uid}`, file: "/etc/subuid", map: uidMap } : undefined;
  const either =
    problem ?? (!isMapped(gidMap, gid) ? { id: `gid ${gid}`, file: "/etc/subgid", map: gidMap } : undefined);
  if (either === undefined) return;
  const ranges = either.map.map(({ inside, count }) => `${inside}-${inside + count - 1}`).join(", ");
  const message = `root file system: ${path()}: owner ${either.id} is not mapped (expected one of ${ranges})`;
  throw new LayerError("UNSUPPORTED_LAYER", message, {
    hint: `give yourself a longer range in ${either.file}, give all files to one user with --squash-ids, or run as root`,
  });
}

function isMapped(map: readonly IdMapping[], id: number): boolean {
  return map.some(({ inside, count }) => id >= inside && id < inside + count);
}

function flavourOf(privilege: Privilege): string {
  if (privilege.kind === "root") return "";
  const maps = privilege.kind === "confined" ? [privilege.uid] : [privilege.uidMap, privilege.gidMap];
  const key = JSON.stringify([privilege.kind, maps]);
  return `.${createHash("sha256").update(key).digest("hex").slice(0, 12)}`;
}

/** Of each kind the first: names come from the image, which may have any number of them. */
function onceEach(warn: (message: string) => void): Say {
  const said = new Set<string>();
  return (kind, message) => {
    if (said.has(kind)) return;
    said.add(kind);
    warn(message);
  };
}
