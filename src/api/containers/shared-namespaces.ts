import { LaunchError } from "../../core/errors.js";
import type { PlanStep } from "../../helper/plan.js";
import { namespaceFlags } from "../../launch/namespaces.js";
import { sharedContainer, type IsolationOptions } from "../../launch/options/isolation.js";
import type { Context } from "../context.js";
import { findContainer } from "./find.js";
import { nameOf } from "./names.js";

/**
 * Steps to enter the namespaces of other containers, which must be running. @throws LaunchError NOT_RUNNING,
 * NO_NAMESPACES; StoreError NOT_FOUND
 */
export async function joinSteps(
  context: Context,
  options: Pick<IsolationOptions, "pid" | "ipc">,
): Promise<PlanStep[]> {
  const wanted = (["pid", "ipc"] as const).flatMap((type) => {
    const word = sharedContainer(options[type]);
    return word === undefined ? [] : [{ type, word }];
  });
  return Promise.all(wanted.map(({ type, word }) => joinStep(context, type, word)));
}

async function joinStep(context: Context, type: "pid" | "ipc", word: string): Promise<PlanStep> {
  const flag = `--${type} container:${word}`;
  if ((await context.privilege()).kind !== "root") {
    throw new LaunchError(
      "NO_NAMESPACES",
      `${flag}: needs root (without, each container has a user namespace of its own)`,
      {
        hint: "run both with sudo",
      },
    );
  }
  const container = await findContainer(context, word);
  const { pid, status } = container;
  if (container.phase !== "running" || pid === 0 || status === undefined) {
    throw new LaunchError(
      "NOT_RUNNING",
      `${flag}: ${nameOf(container.state)} is ${container.phase} (expected running)`,
    );
  }
  return { kind: "join", pid, start: BigInt(status.start), namespaces: namespaceFlags([type]) };
}
