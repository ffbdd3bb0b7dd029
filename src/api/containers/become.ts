import type { ClientOptions } from "../../helper/process.js";
import type { Context } from "../context.js";
import { prepareAttach } from "./attach.js";
import type { PreparedExec } from "./exec.js";
import { prepareStart } from "./start.js";

/** Nothing here returns: this process becomes the helper, in one of its roles, and ends with the container's status. */

/** Starts a container and watches it, or only watches it where it runs. @throws LaunchError, StoreError NOT_FOUND */
export async function becomeStarted(context: Context, word: string, client: ClientOptions): Promise<never> {
  const { helperPath, directory, planPath, interactive, running } = await prepareStart(context, word);
  const { attachTo, startAttached } = await import("../../helper/process.js");
  const options = { ...client, stdin: client.stdin && interactive };
  return running ? attachTo(helperPath, directory, options) : startAttached(helperPath, planPath, options);
}

/** @throws LaunchError NOT_RUNNING, StoreError NOT_FOUND */
export async function becomeAttached(context: Context, word: string, client: ClientOptions): Promise<never> {
  const { helperPath, directory, interactive } = await prepareAttach(context, word);
  const { attachTo } = await import("../../helper/process.js");
  return attachTo(helperPath, directory, { ...client, stdin: client.stdin && interactive });
}

/** The one that waits for the command, or shows its terminal. */
export async function becomeExec(prepared: PreparedExec, client: ClientOptions): Promise<never> {
  const { execHelper, startAttached } = await import("../../helper/process.js");
  const { writeExecPlan } = await import("./exec.js");
  const file = await writeExecPlan(prepared);
  const { helperPath, tty } = prepared;
  return tty ? startAttached(helperPath, file, client) : execHelper(helperPath, file);
}
