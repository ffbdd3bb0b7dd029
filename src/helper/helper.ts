import type { Plan } from "./plan.js";

/** The C program, as the rest of pullrun uses it. Implemented in process.ts; tests may pass their own. */
export interface Helper {
  /** Absolute path of the executable. */
  readonly path: string;
  /**
   * Runs a plan to its end and returns the exit status. `input` feeds fd 0.
   * @throws LaunchError HELPER_FAILED (details: step, kind, errno, object) when a step fails.
   */
  run(plan: Plan, options: { readonly input?: AsyncIterable<Uint8Array>; readonly signal?: AbortSignal }): Promise<number>;
  /** Takes an exclusive kernel lock (flock) on `path`, waiting for it; released by `release` or by our death. */
  lock(path: string, signal?: AbortSignal): Promise<Lock>;
}

export interface Lock {
  release(): Promise<void>;
}
