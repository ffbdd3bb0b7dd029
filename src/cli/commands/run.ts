import { contextOf } from "../context.js";
import type { Invocation } from "../command.js";
import { clientOptionsOf, requireTerminal } from "../flags/attach.js";
import { explainFormatOf } from "../flags/explain.js";
import { progressWhenNeeded } from "../render/later.js";
import { createRequestOf } from "../run-request.js";

/** In the foreground this does not return: the process becomes the container's supervisor, or a client of it. */
export async function run(invocation: Invocation): Promise<number> {
  const { flags, env, signal, print } = invocation;
  requireTerminal(invocation);
  const request = createRequestOf(invocation);
  const client = await clientOptionsOf(invocation, request.options.interactive, request.life.attach);
  const format = explainFormatOf(flags);
  if (format !== undefined) {
    const { runExplained } = await import("../explain/run.js");
    return runExplained(invocation, { request, client, format });
  }
  const progress = progressWhenNeeded(env, { quiet: flags.on("quiet") });
  try {
    const context = await contextOf(invocation, progress.emit);
    const { prepareRun, becomeContainer, describeRun, runDetached } = await import("../../api/run.js");
    const prepared = await prepareRun(context, request);
    await progress.stop();
    if (flags.on("dry-run")) {
      print(await describeRun(context, prepared));
      return 0;
    }
    signal.throwIfAborted();
    // What shows no output of the container's has its id, as docker's.
    if (!request.life.detached && !client.stdout && !client.stderr) print(`${prepared.containerId}\n`);
    if (!request.life.detached) return await becomeContainer(prepared, client);
    await runDetached(context, prepared);
    print(`${prepared.containerId}\n`);
    return 0;
  } finally {
    await progress.stop();
  }
}
