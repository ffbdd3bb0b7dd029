/** Where command lines are tried: this machine and a virtual one with nothing but cgroup v2, as root and as a user. */
export type World = "host root" | "host user" | "VM root" | "VM user";

export const hosts: readonly World[] = ["host root", "host user"];
export const guests: readonly World[] = ["VM root", "VM user"];
export const roots: readonly World[] = ["host root", "VM root"];
/** Where limits can be set: a user needs a delegated cgroup, which v1 has not. */
export const limited: readonly World[] = ["host root", "VM root", "VM user"];
export const everywhere: readonly World[] = [...hosts, ...guests];

export interface Case {
  /** A sentence. */
  readonly name: string;
  /**
   * Run by `sh -c` in an empty directory, with `pullrun` on PATH and a store of its world's that has the images `box`
   * (busybox and some users), `entry` (ENTRYPOINT and CMD), `shell` (shell form) and `neither`, `crowd`, `linked`, `pipe` and
   * `bare` (other kinds of /etc/passwd), which come from the OCI layout $LAYOUT. It removes what it makes.
   */
  readonly script: string;
  readonly worlds: readonly World[];
  /** Exit status, 0 if not given. */
  readonly status?: number;
  readonly stdout?: string | RegExp;
  readonly stderr?: RegExp;
  /** Where podman, which is for root here, has to give the same exit status and stdout. */
  readonly peer?: readonly World[];
  /** Programs of the world's machine without which it is skipped. */
  readonly tools?: readonly string[];
}

/** What became of one. */
export interface Outcome {
  readonly name: string;
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}
