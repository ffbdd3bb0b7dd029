import { signalNumber } from "../../launch/signals.js";
import type { Context } from "../context.js";
import { LaunchError } from "../../core/errors.js";
import { isUp, type Container } from "./container.js";
import { findContainer } from "./find.js";
import { nameOf } from "./names.js";
import { sendSignal, sigkill } from "./signal.js";
import { markStopped } from "./stop-mark.js";
import { untilEnded } from "./wait.js";

export interface StopOptions {
  /** Seconds from the stop signal to SIGKILL, else the container's own; -1: SIGKILL never follows. */
  readonly timeout?: number | undefined;
  /** Instead of the container's own. */
  readonly signal?: string | undefined;
}

/** SIGKILL takes effect once the kernel has freed what the processes had; beyond this something is wrong with it. */
const deathMs = 30_000;

/** Ends a container and waits for that; nothing happens to one that does not run. @throws StoreError NOT_FOUND */
export async function stopContainer(context: Context, word: string, options: StopOptions): Promise<void> {
  await endContainer(context, await findContainer(context, word), options);
}

export async function endContainer(
  context: Context,
  container: Container,
  options: StopOptions,
): Promise<void> {
  if (!isUp(container.phase)) return;
  const { state } = container;
  const signal = stopSignalOf(options.signal ?? state.stopSignal);
  const seconds = options.timeout ?? state.stopTimeout;
  if (await endWith(context, container, { signal, timeoutMs: seconds < 0 ? Infinity : seconds * 1000 }))
    return;
  await killAndWait(context, container);
}

interface Blow {
  readonly signal: number;
  readonly timeoutMs: number;
}

/** False if it still runs after the time. One that somebody starts meanwhile is meant too, and gets the signal as well. */
async function endWith(
  context: Context,
  container: Container,
  { signal, timeoutMs }: Blow,
): Promise<boolean> {
  const strike = async (running: Container): Promise<void> => {
    await markStopped(running);
    await sendSignal(running, signal);
  };
  await strike(container);
  return (await untilEnded(context, container, { timeoutMs, onNext: strike })) !== undefined;
}

/** @throws LaunchError STILL_RUNNING */
export async function killAndWait(context: Context, container: Container): Promise<void> {
  if (await endWith(context, container, { signal: sigkill, timeoutMs: deathMs })) return;
  const message = `stop: ${nameOf(container.state)}: still there ${deathMs / 1000} s after SIGKILL`;
  throw new LaunchError("STILL_RUNNING", message, {
    hint: "a process of it hangs in the kernel, see `dmesg`",
  });
}

/** An image may name a signal there is not. */
function stopSignalOf(text: string): number {
  try {
    return signalNumber("--stop-signal", text);
  } catch {
    return signalNumber("--stop-signal", "SIGTERM");
  }
}
