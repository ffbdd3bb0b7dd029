/** The stream `create-entries` reads: a depth-first walk of the tree to create. Names are bytes, never strings. */

export interface EntryMeta {
  /** Permission bits including setuid, setgid and sticky (07777), plus the S_IFMT type for `node`. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds and nanoseconds since 1970; seconds may be negative. */
  readonly mtime: number;
  readonly mtimeNs: number;
  readonly xattrs: readonly { readonly name: Uint8Array; readonly value: Uint8Array }[];
}
