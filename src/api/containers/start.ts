import { LaunchError } from "../../core/errors.js";
import type { Plan } from "../../helper/plan.js";
import type { Context } from "../context.js";
import type { Container } from "./container.js";
import { planFile } from "./directory.js";
import { findContainer } from "./find.js";
import { writePlan } from "./launch.js";
import { loadLaunch } from "./load-launch.js";
import { nameOf } from "./names.js";
import { withIdsOf } from "./own-ids.js";

/** Where a client finds what it is to become part of. */
export interface Startable {
  readonly helperPath: string;
  readonly directory: string;
  readonly planPath: string;
  readonly interactive: boolean;
  /** Whether it runs already. */
  readonly running: boolean;
}

/** Starts a container in the background; nothing happens to one that runs. @throws LaunchError, StoreError NOT_FOUND */
export async function startContainer(context: Context, word: string): Promise<void> {
  const container = await findContainer(context, word);
  if (isRunning(container)) return;
  const plan = await planAgain(context, container);
  const { startDetached } = await import("../../helper/process.js");
  try {
    await startDetached((await context.helper()).path, plan, context.signal);
  } catch (error) {
    throw isTaken(error) ? taken(container, error) : error;
  }
}

/** The same for a client that is to watch from the start on. */
export async function prepareStart(context: Context, word: string): Promise<Startable> {
  const container = await findContainer(context, word);
  const running = isRunning(container);
  if (!running) await planAgain(context, container);
  const { directory, state } = container;
  return {
    helperPath: (await context.helper()).path,
    directory,
    planPath: planFile(directory),
    interactive: state.options.interactive,
    running,
  };
}

async function planAgain(context: Context, container: Container): Promise<Plan> {
  const same = withIdsOf(context, container.state);
  return writePlan(same, await loadLaunch(same, container));
}

/** @throws LaunchError NOT_RUNNING for a paused one, which cannot be started but let go on */
function isRunning(container: Container): boolean {
  const { phase, state } = container;
  if (phase !== "paused") return phase === "running" || phase === "restarting";
  const name = nameOf(state);
  throw new LaunchError("NOT_RUNNING", `start: ${name}: the container is paused (expected stopped)`, {
    hint: `let it go on: pullrun unpause ${name}`,
  });
}

function isTaken(error: unknown): boolean {
  if (!(error instanceof LaunchError)) return false;
  const { kind, errno } = error.info.details ?? {};
  return kind === "lock" && errno === "EAGAIN";
}

function taken({ state }: Container, cause: unknown): LaunchError {
  const message = `start: ${nameOf(state)}: another command is starting or removing the container`;
  return new LaunchError("STILL_RUNNING", message, { cause });
}
