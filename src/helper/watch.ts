import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { collect, died, killedBy, throwIfAborted, waitForEnd } from "./child.js";
import { attachedArguments, clientArguments, type ClientOptions } from "./process.js";

/** Waits as a client that shows nothing, and returns the container's exit status: the only way to learn that of `--rm`. */
export async function watchSilently(
  path: string,
  containerDir: string,
  signal?: AbortSignal,
): Promise<number> {
  throwIfAborted(signal);
  const client = clientArguments({ stdin: false, signals: false, detachKeys: "" });
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
 * What {@link execHelper} (without `client`) and {@link startAttached} become, as a child with our streams, so that somebody is
 * left when it ends. Complaints go to our stderr; only a plan without a supervisor tells the times of its steps.
 * @throws LaunchError NO_HELPER
 */
export async function watchHelper(
  path: string,
  planPath: string,
  { client, terminal }: { readonly client?: ClientOptions; readonly terminal: boolean },
): Promise<WatchedHelper> {
  const args = client === undefined ? ["run", planPath, "3", "timed"] : attachedArguments(planPath, client);
  const child = spawn(path, args, { stdio: ["inherit", "inherit", "inherit", "pipe"], env: {} });
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
