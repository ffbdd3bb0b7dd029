import type { Context } from "../api/context.js";
import type { Invocation } from "./command.js";
import { contextOf } from "./context.js";
import { warningLine } from "./render/progress.js";

/** The context of a command that only looks: it says nothing but warnings. */
export async function inspectionContext(invocation: Invocation): Promise<Context> {
  return contextOf(invocation, (event) => {
    const line = warningLine(event);
    if (line !== undefined) invocation.note(line);
  });
}
