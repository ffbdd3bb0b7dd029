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
    throw new LaunchError(
      "NO_CGROUP",
      `pause: ${nameOf(state)}: the container has no cgroup with a freezer`,
      {
        hint: "run it as root, or rootless in a delegated cgroup v2 scope: systemd-run --user --scope -p Delegate=yes pullrun run -d …",
      },
    );
  }
  const deadline = Date.now() + patienceMs;
  if (!(await wish(freezer, frozen))) {
    if (frozen) throw hasEnded(state);
    return;
  }
  while ((await freezer.frozen()) !== frozen && Date.now() < deadline) await sleep(pollMs);
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

function hasEnded(state: ContainerState): LaunchError {
  return new LaunchError(
    "NOT_RUNNING",
    `pause: ${nameOf(state)}: the container has ended (expected running)`,
  );
}
