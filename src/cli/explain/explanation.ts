export type ExplainFormat = "text" | "json" | "mermaid" | "trace";

/** Who does what in a step; in the order in which they first have something to do. */
export const phases = [
  "resolve",
  "registry",
  "token",
  "manifest",
  "config",
  "blob",
  "fetch",
  "verify",
  "store",
  "rootfs",
  "prepare",
  "network",
  "cgroup",
  "namespaces",
  "mounts",
  "process",
  "exec",
  "exit",
  "cleanup",
  "notice",
] as const;
export type Phase = (typeof phases)[number];

/** Something that was done. All times are in milliseconds. */
export interface ExplainStep {
  readonly phase: Phase;
  readonly what: string;
  /** Since the beginning; undefined where it is not known when it was done. */
  readonly at?: number;
  /** How long it took; undefined for a moment, and where it is not known. */
  readonly ms?: number;
}

/** A whole run or pull. */
export interface Explanation {
  readonly command: "run" | "pull";
  /** In the order they began. */
  readonly steps: readonly ExplainStep[];
  readonly totalMs: number;
  /** Of the container, once it has ended. */
  readonly exitStatus?: number;
}
