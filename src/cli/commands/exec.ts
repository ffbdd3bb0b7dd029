import type { ExecOptions } from "../../api/containers/exec.js";
import type { Invocation } from "../command.js";
import { clientOptionsOf, requireTerminal } from "../flags/attach.js";
import { given } from "../flags/given.js";
import { variablesOf } from "../flags/process.js";
import { inspectionContext } from "../inspection.js";

/** In the foreground this does not return on success: this process becomes the one that waits for the command, and ends with its status. */
export async function run(invocation: Invocation): Promise<number> {
  requireTerminal(invocation);
  const options = execOptionsOf(invocation);
  const client = await clientOptionsOf(invocation, options.interactive);
  const context = await inspectionContext(invocation);
  const { execDetached, prepareExec } = await import("../../api/containers/exec.js");
  const prepared = await prepareExec(context, invocation.args[0] ?? "", options);
  invocation.signal.throwIfAborted();
  if (options.detached) {
    await execDetached(context, prepared);
    return 0;
  }
  const { becomeExec } = await import("../../api/containers/become.js");
  return becomeExec(prepared, client);
}

function execOptionsOf({ args, flags, env }: Invocation): ExecOptions {
  return {
    args: args.slice(1),
    env: variablesOf(flags, env),
    ...given("user", flags.text("user")),
    ...given("workdir", flags.text("workdir")),
    interactive: flags.on("interactive"),
    tty: flags.on("tty"),
    detached: flags.on("detach"),
    privileged: flags.on("privileged"),
  };
}
