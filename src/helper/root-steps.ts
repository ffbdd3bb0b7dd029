/**
 * Steps of the container phase that make the container's root: what is mounted there and what files it has. `target` is
 * a path inside that root, resolved there with openat2(RESOLVE_IN_ROOT).
 */
export type RootStep =
  /** For an overlay to lie over. Absolute host paths; `at` is an existing directory. */
  | {
      readonly kind: "mount-erofs";
      readonly image: string;
      readonly at: string;
      /** The files that hold the data, in the order of the image's device table. */
      readonly devices: readonly string[];
    }
  | {
      readonly kind: "root-overlay";
      readonly at: string;
      readonly upper: string;
      readonly work: string;
      /** Extra comma-separated mount options, such as `userxattr`. */
      readonly options: string;
      /** Top layer first. */
      readonly lowers: readonly string[];
    }
  | { readonly kind: "root-bind"; readonly path: string }
  /** Take a directory as root without mounting anything: for chroot isolation and for `create-entries`. */
  | { readonly kind: "root-dir"; readonly path: string }
  | {
      readonly kind: "mount";
      readonly fstype: string;
      readonly source: string;
      readonly target: string;
      readonly flags: number;
      readonly data: string;
    }
  | {
      readonly kind: "bind";
      readonly source: string;
      readonly target: string;
      /** MS_* flags for the remount after the bind (MS_RDONLY, MS_NOSUID, …); MS_REC binds the whole tree. */
      readonly flags: number;
    }
  /**
   * Fills the volume (a host directory that holds `data`) with what the root has at `target`, if it is empty or an
   * earlier filling was cut short. Before anything is mounted.
   */
  | { readonly kind: "copy-up"; readonly target: string; readonly volume: string }
  /** Holds the source of a later `attach-tree`; before `private-mounts` it stays tied to the host's mounts. */
  | {
      readonly kind: "open-tree";
      /** From 0 to 255, each once. */
      readonly tree: number;
      readonly source: string;
      /** Path below `source` that may not lead out of it; "" for `source` itself. */
      readonly path: string;
      /** 1: what is mounted below comes along. */
      readonly recursive: number;
    }
  | {
      readonly kind: "attach-tree";
      readonly tree: number;
      readonly target: string;
      /** MS_* flags; with MS_REC of all mounts of the tree. */
      readonly flags: number;
      /** Those of the topmost mount alone. */
      readonly topFlags: number;
      /** MS_PRIVATE, MS_SLAVE or MS_SHARED; with MS_REC of all mounts of the tree. */
      readonly propagation: number;
    }
  /** Writes what is at `path` to `fd`, as records with the data of files in between (tree-records.ts). */
  | {
      readonly kind: "read-tree";
      /** Absolute, without a slash at its end. */
      readonly path: string;
      readonly fd: number;
      /** 1: of a symlink what it leads to, inside the root. 2: the first record alone. */
      readonly options: number;
    }
  /** The other way. */
  | {
      readonly kind: "write-tree";
      /** An existing directory, absolute. */
      readonly directory: string;
      /** What the first entry is called in it; "" for a directory whose contents go right into it. */
      readonly name: string;
      readonly fd: number;
      /** Owner of everything, -1 for what the records say. */
      readonly uid: number;
      readonly gid: number;
    }
  | { readonly kind: "remount"; readonly target: string; readonly flags: number }
  | {
      readonly kind: "mkdir";
      readonly target: string;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  | {
      readonly kind: "mknod";
      readonly target: string;
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
      readonly uid: number;
      readonly gid: number;
    }
  | { readonly kind: "symlink"; readonly text: string; readonly target: string }
  | { readonly kind: "file"; readonly target: string; readonly mode: number; readonly data: string }
  /** Hide a path: an empty read-only tmpfs over a directory, /dev/null over anything else; absent is fine. */
  | { readonly kind: "mask"; readonly target: string }
  | { readonly kind: "readonly"; readonly target: string }
  | { readonly kind: "pivot" }
  | { readonly kind: "chroot" }
  /** Read an entry stream (see entries.ts) from `fd` and create it below the root; file data comes from the tars. */
  | { readonly kind: "create-entries"; readonly fd: number; readonly tars: readonly string[] }
  /** Waits until the file system of the root has all of it on the disk. */
  | { readonly kind: "sync" };
