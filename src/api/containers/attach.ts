import { existsSync } from "node:fs";
import { LaunchError } from "../../core/errors.js";
import type { Context } from "../context.js";
import { attachSocket } from "./directory.js";
import { findContainer } from "./find.js";
import { nameOf } from "./names.js";
import { notRunning } from "./signal.js";
import type { Startable } from "./start.js";

/** What a client of a running container needs. @throws LaunchError NOT_RUNNING, StoreError NOT_FOUND */
export async function prepareAttach(
  context: Context,
  word: string,
): Promise<Omit<Startable, "planPath" | "running">> {
  const container = await findContainer(context, word);
  const { phase, directory, state } = container;
  if (phase !== "running" && phase !== "restarting") throw notRunning(container, "attach");
  if (!existsSync(attachSocket(directory))) {
    const message = `attach: ${nameOf(state)}: it runs in the foreground of another command`;
    throw new LaunchError("NOT_RUNNING", message, { hint: "run it with -d to attach to it later" });
  }
  return { helperPath: (await context.helper()).path, directory, interactive: state.options.interactive };
}
