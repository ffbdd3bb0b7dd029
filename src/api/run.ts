import type { Plan } from "../helper/plan.js";
import type { ClientOptions } from "../helper/process.js";
import { createContainer, type CreateRequest } from "./containers/create.js";
import { planFile } from "./containers/directory.js";
import { writePlan } from "./containers/launch.js";
import type { Context } from "./context.js";

export type RunRequest = CreateRequest;

/** A container that is ready to start: everything is decided and written down. */
export interface PreparedRun {
  readonly containerId: string;
  readonly directory: string;
  readonly helperPath: string;
  readonly plan: Plan;
  /** Whether it gets a supervisor in the background. */
  readonly supervised: boolean;
}

/** Pulls what is missing and prepares a container. Removes what it made if that fails. */
export async function prepareRun(context: Context, request: RunRequest): Promise<PreparedRun> {
  return createContainer(context, request, async (launch) => ({
    containerId: launch.state.id,
    directory: launch.directory,
    helperPath: (await context.helper()).path,
    plan: await writePlan(context, launch),
    supervised: launch.supervised,
  }));
}

/** Replaces this process by the container's supervisor, or by the first client of one in the background. */
export async function becomeContainer(prepared: PreparedRun, client: ClientOptions): Promise<never> {
  const { helperPath, directory, supervised } = prepared;
  const { execHelper, startAttached } = await import("../helper/process.js");
  const plan = planFile(directory);
  return supervised ? startAttached(helperPath, plan, client) : execHelper(helperPath, plan);
}

/** Starts it in the background; returns once its program runs. @throws LaunchError EXEC_NOT_FOUND, EXEC_DENIED, … */
export async function runDetached(context: Context, { helperPath, plan }: PreparedRun): Promise<void> {
  const { startDetached } = await import("../helper/process.js");
  await startDetached(helperPath, plan, context.signal);
}

/** The plan as text; the container is not started and leaves nothing behind. */
export async function describeRun(context: Context, prepared: PreparedRun): Promise<string> {
  const { formatPlan } = await import("../helper/plan-text.js");
  const { removeContainer } = await import("./containers/remove.js");
  await removeContainer(context, prepared.containerId, { force: false, volumes: true });
  return formatPlan(prepared.plan);
}
