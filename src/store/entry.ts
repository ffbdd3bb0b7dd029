/** One entry of a layer, as its tar states it. Names, link targets and xattrs are bytes from end to end. */
export interface LayerEntry extends EntryAttributes {
  readonly path: Buffer;
  readonly type: EntryType;
  /** Bytes of data; 0 for everything but files. */
  readonly size: number;
  /** Target of a symbolic or hard link, else empty. */
  readonly link: Buffer;
  readonly major: number;
  readonly minor: number;
  /** Where the data begins, in bytes from the start of the uncompressed tar. */
  readonly offset: number;
}

export type EntryType = (typeof entryTypes)[number];

/** The order is the numbering in entry tables. */
export const entryTypes = ["file", "directory", "symlink", "hardlink", "char", "block", "fifo"] as const;

export interface EntryAttributes {
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, negative before, and nanoseconds after that second. */
  readonly mtime: number;
  readonly mtimeNs: number;
  readonly xattrs: readonly Xattr[];
}

export interface Xattr {
  readonly name: Buffer;
  readonly value: Buffer;
}
