/** One line of a uid_map or gid_map: `count` ids from `inside` (in the namespace) are `outside` (in its parent). */
export interface IdMapping {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/**
 * What this process may do, decided once.
 * - `root`: CAP_SYS_ADMIN here; no user namespace is needed
 * - `subordinate`: user namespace with ranges from /etc/subuid through newuidmap and newgidmap
 * - `single`: user namespace in which only our own id exists, as 0
 * - `confined`: no namespaces to be had (an unprivileged container); whatever plain system calls allow
 */
export type Privilege =
  | { readonly kind: "root" }
  | {
      readonly kind: "subordinate";
      readonly uidMap: readonly IdMapping[];
      readonly gidMap: readonly IdMapping[];
      readonly newuidmap: string;
      readonly newgidmap: string;
      /** `UID:GID` a container runs as unless told otherwise: see user-namespace.ts. */
      readonly runsAs?: string;
    }
  | {
      readonly kind: "single";
      readonly uidMap: readonly IdMapping[];
      readonly gidMap: readonly IdMapping[];
      /** Where more would be possible, but is not wanted. */
      readonly isWanted?: true;
      readonly runsAs?: string;
    }
  | { readonly kind: "confined"; readonly uid: number; readonly reason: string };
