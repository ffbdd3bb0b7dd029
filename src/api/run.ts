import type { Plan } from "../helper/plan.js";
import { createContainer, discardDirectory, type CreateRequest } from "./containers/create.js";
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
}

/** Pulls what is missing and prepares a container. Removes what it made if that fails. */
export async function prepareRun(context: Context, request: RunRequest): Promise<PreparedRun> {
  return createContainer(context, request, async (launch) => ({
    containerId: launch.state.id,
    directory: launch.directory,
    helperPath: (await context.helper()).path,
    plan: await writePlan(context, launch),
  }));
}

/** Replaces this process by the container's supervisor. */
export async function becomeContainer({ helperPath, directory }: PreparedRun): Promise<never> {
  const { execHelper } = await import("../helper/process.js");
  return execHelper(helperPath, planFile(directory));
}

/** The plan as text; the container is not started and leaves nothing behind. */
export async function describeRun(context: Context, prepared: PreparedRun): Promise<string> {
  const { formatPlan } = await import("../helper/plan-text.js");
  await discardDirectory(context, prepared.directory);
  return formatPlan(prepared.plan);
}
