import type { Context } from "../api/context.js";
import type { Invocation } from "./command.js";
import { contextOf } from "./context.js";
import { formatJson } from "./render/json.js";
import { warningLine } from "./render/progress.js";
import { templateOf } from "./values.js";

/** The context of a command that only looks: it says nothing but warnings. */
export async function inspectionContext(invocation: Invocation): Promise<Context> {
  return contextOf(invocation, (event) => {
    const line = warningLine(event);
    if (line !== undefined) invocation.note(line);
  });
}

/** As docker's inspect commands: one list, also of nothing, or with a template a line for each. */
export async function printFound(
  { flags, print }: Invocation,
  found: readonly Record<string, unknown>[],
): Promise<void> {
  const template = templateOf(flags);
  if (template === undefined) print(formatJson(found));
  else if (template === "json") print(formatJson(found, 0));
  else {
    const { formatValue } = await import("./format.js");
    for (const value of found) print(formatValue(template, value));
  }
}
