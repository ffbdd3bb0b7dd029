import type { Plan } from "./plan.js";

/** The C program, as the rest of pullrun uses it. Implemented in process.ts; tests may pass their own. */
export interface Helper {
  /** Absolute path of the executable. */
  readonly path: string;
  /**
   * Runs a plan to its end and returns the exit status.
   * @throws LaunchError HELPER_FAILED (details: step, kind, errno, object) when a step fails; EXEC_NOT_FOUND or
   *   EXEC_DENIED when that is the `exec` step; AbortError when `signal` fires, after killing the helper
   */
  run(plan: Plan, options: HelperRunOptions): Promise<number>;
  /**
   * Starts a plan that goes on when we have ended; returns once the helper has it. What becomes of it nobody is told.
   * @throws LaunchError NO_HELPER
   */
  begin(plan: Plan): Promise<void>;
  /** Takes an exclusive kernel lock (flock) on `path`, waiting for it; released by `release` or by our death. */
  lock(path: string, signal?: AbortSignal): Promise<Lock>;
}

export interface HelperRunOptions {
  /** Feeds fd 0, in whatever chunks are convenient. An error it throws ends the run and is thrown on. */
  readonly input?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
  /**
   * Our descriptors to pass on as 0, 1 and 2. By default the plan's programs get `input` or /dev/null, and their output
   * goes nowhere; the helper's own complaints are in the error thrown.
   */
  readonly stdin?: number;
  /** Takes what the plan writes to fd 1, at its pace. An error it throws ends the run and is thrown on. */
  readonly output?: (bytes: AsyncIterable<Buffer>) => Promise<void>;
  readonly stdout?: number;
  readonly stderr?: number;
}

export interface Lock {
  release(): Promise<void>;
}
