import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf, LaunchError } from "../../core/errors.js";
import type { Context } from "../context.js";
import type { Container } from "./container.js";
import { findContainer } from "./find.js";
import { findFreezer, type Freezer } from "./freezer.js";
import { nameOf } from "./names.js";
import { notRunning } from "./signal.js";
import type { ContainerState } from "./state.js";

const pollMs = 10;
/** A process in an uninterruptible wait freezes once that is over. */
const patienceMs = 10_000;
/** As runc does where a freezer misses processes (fs/freezer.go): a program that forks all the while would never freeze. */
const triesBeforeThaw = 20;

/** Stops every process of the container, wherever it is. @throws LaunchError NOT_RUNNING, NO_CGROUP */
export async function pauseContainer(context: Context, word: string): Promise<void> {
  const container = await findContainer(context, word);
  if (container.phase !== "running" || container.pid === 0) throw notRunning(container, "pause");
  await setFrozen(container, await findFreezer(container), true);
}

/** @throws LaunchError NOT_RUNNING */
export async function unpauseContainer(context: Context, word: string): Promise<void> {
  const container = await findContainer(context, word);
  if (container.phase !== "paused") {
    const message = `unpause: ${nameOf(container.state)}: the container is ${container.phase} (expected paused)`;
    throw new LaunchError("NOT_RUNNING", message);
  }
  await setFrozen(container, await findFreezer(container), false);
}

export async function setFrozen(
  { state }: Container,
  freezer: Freezer | undefined,
  frozen: boolean,
): Promise<void> {
  if (freezer === undefined) {
    // Paused, it had one: it has ended since.
    if (!frozen) return;
    throw new LaunchError(
      "NO_CGROUP",
      `pause: ${nameOf(state)}: the container has no cgroup with a freezer`,
      {
        hint: "run it as root, or rootless in a delegated cgroup v2 scope: systemd-run --user --scope -p Delegate=yes pullrun run -d …",
      },
    );
  }
  if (await settles(freezer, frozen)) return;
  if (!frozen) return;
  throw (await wish(freezer, false)) ? doesNotStop(state) : hasEnded(state);
}

/** False if it is not so after all this time, or the cgroup is gone. */
async function settles(freezer: Freezer, frozen: boolean): Promise<boolean> {
  const deadline = Date.now() + patienceMs;
  for (let tries = 1; await wish(freezer, frozen); tries++) {
    if ((await freezer.frozen()) === frozen) return true;
    if (Date.now() >= deadline) return false;
    if (frozen && freezer.misses && tries % triesBeforeThaw === 0) await wish(freezer, false);
    await sleep(pollMs);
  }
  return false;
}

/** False: the cgroup is gone, as it is once the container has ended. */
async function wish({ file, freeze, thaw }: Freezer, frozen: boolean): Promise<boolean> {
  try {
    await writeFile(file, frozen ? freeze : thaw);
    return true;
  } catch (error) {
    if (["ENOENT", "ENODEV"].includes(errnoOf(error) ?? "")) return false;
    throw error;
  }
}

function doesNotStop(state: ContainerState): LaunchError {
  const message = `pause: ${nameOf(state)}: not all of its processes stop (waited for 10 s); they go on`;
  return new LaunchError("STILL_RUNNING", message, { hint: "some may wait for a disk: try again" });
}

function hasEnded(state: ContainerState): LaunchError {
  return new LaunchError(
    "NOT_RUNNING",
    `pause: ${nameOf(state)}: the container has ended (expected running)`,
  );
}
