import type { EntryAttributes, LayerEntry } from "./entry.js";

/** What an image may not say about itself: overlay's own marks, and labels of another machine's SELinux policy. */
const droppedXattr = /^(?:(?:trusted|user)\.overlay\.|security\.selinux$)/;

/**
 * The attributes a tree keeps of an entry; `last`, those of the entry before, where they are the same. They mostly are,
 * which makes a hundred thousand objects less to keep.
 */
export function keptAttributes(entry: LayerEntry, last: EntryAttributes | undefined): EntryAttributes {
  if (last !== undefined && isSame(entry, last)) return last;
  const { mode, uid, gid, mtime, mtimeNs } = entry;
  const xattrs = entry.xattrs.filter(({ name }) => !droppedXattr.test(name.toString("latin1")));
  return { mode, uid, gid, mtime, mtimeNs, xattrs };
}

/** Entries with xattrs are few: theirs are not compared. */
function isSame(entry: LayerEntry, { mode, uid, gid, mtime, mtimeNs, xattrs }: EntryAttributes): boolean {
  const { length } = entry.xattrs;
  if (length > 0 || xattrs.length > 0 || entry.mtime !== mtime || entry.mtimeNs !== mtimeNs) return false;
  return entry.mode === mode && entry.uid === uid && entry.gid === gid;
}
