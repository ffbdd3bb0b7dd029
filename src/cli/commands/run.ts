import { contextOf } from "../context.js";
import type { Invocation } from "../command.js";
import { lifeOptionsOf } from "../flags/life.js";
import { progressWhenNeeded } from "../render/later.js";
import { imageRequestOf, runOptionsOf } from "../run-request.js";

/** Does not return on success: the process becomes the container's supervisor and ends with its exit status. */
export async function run(invocation: Invocation): Promise<number> {
  const { flags, env, signal } = invocation;
  const options = runOptionsOf(invocation);
  const request = imageRequestOf(invocation);
  const progress = progressWhenNeeded(env, { quiet: flags.on("quiet") });
  try {
    const context = await contextOf(invocation, progress.emit);
    const { prepareRun, becomeContainer, describeRun } = await import("../../api/run.js");
    const prepared = await prepareRun(context, {
      ...request,
      options,
      life: { ...lifeOptionsOf(invocation), autoRemove: true },
    });
    await progress.stop();
    if (flags.on("dry-run")) {
      invocation.print(await describeRun(context, prepared));
      return 0;
    }
    signal.throwIfAborted();
    return await becomeContainer(prepared);
  } finally {
    await progress.stop();
  }
}
