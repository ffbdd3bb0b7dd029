import type { SeccompFile } from "../seccomp-parse.js";

/** How far the container is kept apart. */
export interface IsolationOptions {
  readonly isolation: "namespaces" | "chroot";
  /** Docker's default profile unless given. */
  readonly seccomp?: "unconfined" | SeccompFile;
  /** Neither setuid programs nor file capabilities give a process more than it has. */
  readonly noNewPrivileges?: boolean;
  /** Nothing of /proc and /sys is hidden or read-only. */
  readonly unmasked?: boolean;
  /** All we may do ourselves, all devices, nothing hidden, no seccomp. */
  readonly privileged?: boolean;
}
