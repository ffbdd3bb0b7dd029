import { LaunchError } from "../core/errors.js";
import type { Helper } from "./helper.js";
import type { Plan } from "./plan.js";

/** The helper at `path` as a child process of ours. Only for the main thread: a lock dies with the thread that took it. */
export function openHelper(path: string): Helper {
  let locks: Promise<Helper["lock"]> | undefined;
  return {
    path,
    async run(plan, options) {
      return (await import("./child.js")).runHelper(path, ["run", "fd:3", "4"], plan, options);
    },
    async begin(plan) {
      await (await import("./child.js")).beginHelper(path, plan);
    },
    async lock(file, signal) {
      locks ??= import("./locks.js").then(({ createLocks }) => createLocks(path));
      return (await locks)(file, signal);
    },
  };
}

/**
 * Becomes the helper running the plan in the file `planPath`: same process, same terminal, no Node left behind.
 * @throws LaunchError HELPER_FAILED where Node has no execve (before 22.15)
 */
export function execHelper(path: string, planPath: string): never {
  return becomeHelper(path, ["run", planPath]);
}

/** A client of a supervised container: what of us it gets. */
export interface ClientOptions {
  /** Passes our standard input on. */
  readonly stdin: boolean;
  /** What of the container's output it shows. One that shows nothing ends with its input. */
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Passes signals on, where the container has no terminal of its own. */
  readonly signals: boolean;
  /** From {@link encodeDetachKeys}. */
  readonly detachKeys: string;
}

/** Becomes the first client of a container that a supervisor in the background starts from the plan. */
export function startAttached(path: string, planPath: string, options: ClientOptions): never {
  return becomeHelper(path, attachedArguments(planPath, options));
}

/** Becomes a client of a container that runs under a supervisor. Of one that has ended it gives the exit status. */
export function attachTo(path: string, containerDir: string, options: ClientOptions): never {
  return becomeHelper(path, ["attach", containerDir, ...clientArguments(options)]);
}

/**
 * Starts the plan under a supervisor in the background, and returns once its program runs.
 * @throws LaunchError as {@link Helper.run}; the supervisor has ended then
 */
export async function startDetached(path: string, plan: Plan, signal?: AbortSignal): Promise<void> {
  const { runHelper } = await import("./child.js");
  const code = await runHelper(
    path,
    ["start", "fd:3", "detached", "4"],
    plan,
    signal === undefined ? {} : { signal },
  );
  if (code !== 0) throw new LaunchError("HELPER_FAILED", `helper: ended with status ${code}`);
}

export function attachedArguments(planPath: string, options: ClientOptions): string[] {
  return ["start", planPath, "attached", ...clientArguments(options)];
}

export function clientArguments({ stdin, stdout, stderr, signals, detachKeys }: ClientOptions): string[] {
  const streams = [stdin ? "0" : "", stdout ? "1" : "", stderr ? "2" : ""].join("");
  return [streams === "" ? "-" : streams, signals ? "signals" : "nosignals", detachKeys];
}

function becomeHelper(path: string, args: readonly string[]): never {
  if (process.execve === undefined) {
    throw new LaunchError(
      "HELPER_FAILED",
      `helper: ${process.version}: no process.execve (expected Node >= 22.15)`,
    );
  }
  return process.execve(path, [path, ...args], {});
}
