import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { throwIfAborted } from "../core/interruption.js";
import { collect, died, killedBy, waitForEnd } from "./child.js";
import { attachedArguments, clientArguments, type ClientOptions } from "./process.js";

/** Waits as a client that shows nothing, and returns the container's exit status: the only way to learn that of `--rm`. */
export async function watchSilently(
  path: string,
  containerDir: string,
  signal?: AbortSignal,
): Promise<number> {
  throwIfAborted(signal);
  const client = clientArguments({
    stdin: false,
    stdout: true,
    stderr: true,
    signals: false,
    detachKeys: "",
  });
  const child = spawn(path, ["attach", containerDir, ...client], {
    stdio: "ignore",
    env: {},
    ...killedBy(signal),
  });
  const code = await waitForEnd(child, signal);
  if (code === null) throw died(child.signalCode, "");
  return code;
}

/** How a helper with our streams ended, and what it wrote to its status descriptor. */
export interface WatchedHelper {
  readonly exitStatus: number;
  readonly status: string;
}

/**
 * What {@link execHelper} and {@link startAttached} become, as a child with our streams, so that somebody is left when it ends;
 * or what {@link startDetached} waits for. It tells the times of its steps, a supervisor those until its program runs.
 * Complaints go to our stderr. @throws LaunchError NO_HELPER
 */
export async function watchHelper(
  path: string,
  planPath: string,
  { how, terminal }: { readonly how: "run" | "detached" | ClientOptions; readonly terminal: boolean },
): Promise<WatchedHelper> {
  const child = spawn(path, [...argumentsFor(how, planPath), "3", "timed"], {
    stdio: ["inherit", "inherit", "inherit", "pipe"],
    env: {},
  });
  const status = collect(child.stdio[3] as Readable);
  const { passSignals } = await import("./pass-signals.js");
  const stop = passSignals(child, { terminal });
  try {
    const code = await waitForEnd(child, undefined);
    if (code === null) throw died(child.signalCode, "");
    return { exitStatus: code, status: status() };
  } finally {
    stop();
  }
}

function argumentsFor(how: "run" | "detached" | ClientOptions, planPath: string): string[] {
  if (how === "run") return ["run", planPath];
  return how === "detached" ? ["start", planPath, "detached"] : attachedArguments(planPath, how);
}
