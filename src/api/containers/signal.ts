import { errnoText } from "../../core/errno-hints.js";
import { errnoOf, LaunchError } from "../../core/errors.js";
import { signalNumber } from "../../launch/signals.js";
import type { Context } from "../context.js";
import type { Container, Phase } from "./container.js";
import { findContainer } from "./find.js";
import { findFreezer } from "./freezer.js";
import { setFrozen } from "./freeze.js";
import { nameOf } from "./names.js";
import { isAlive } from "./process.js";
import { markStopped } from "./stop-mark.js";

export const sigkill = 9;

/**
 * Sends a signal to the first process. One that ends the container for good also ends its restart policy.
 * @param signal name or number
 * @throws LaunchError NOT_RUNNING, UsageError BAD_VALUE
 */
export async function killContainer(context: Context, word: string, signal: string): Promise<Container> {
  const number = signalNumber("--signal", signal);
  const container = await findContainer(context, word);
  if (container.pid === 0) throw notRunning(container, "signal");
  if (number === sigkill) await markStopped(container);
  await sendSignal(container, number);
  return container;
}

/** Quietly nothing if the process has ended meanwhile. @throws LaunchError NOT_RUNNING if it is not ours to signal */
export async function sendSignal(container: Container, number: number): Promise<void> {
  const { status, pid, phase } = container;
  if (status === undefined || !(await isAlive(status))) return;
  try {
    process.kill(pid, number);
  } catch (error) {
    if (errnoOf(error) === "ESRCH") return;
    const message = `signal: ${nameOf(container.state)}: ${errnoText(error)}`;
    throw new LaunchError("NOT_RUNNING", message, {
      hint: "only its own user, or root, may do that",
      cause: error,
    });
  }
  // Under cgroup v1 a frozen process does not even die.
  if (phase === "paused") await setFrozen(container, await findFreezer(container), false);
}

export function notRunning({ state, phase }: Container, doing: string): LaunchError {
  const name = nameOf(state);
  const hints = {
    created: `start it first: pullrun start ${name}`,
    exited: `start it first: pullrun start ${name}`,
    paused: `let it go on: pullrun unpause ${name}`,
    restarting: `see why it ends again and again: pullrun logs ${name}`,
    running: "try again",
  } as const satisfies Record<Phase, string>;
  // Its supervisor is there, its first process is not yet.
  const observed = phase === "running" ? "starting" : phase;
  return new LaunchError(
    "NOT_RUNNING",
    `${doing}: ${name}: the container is ${observed} (expected running)`,
    { hint: hints[phase] },
  );
}
