import { contextOf } from "../context.js";
import type { Invocation } from "../command.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const context = await contextOf(invocation, () => undefined);
  const { inspectImage, rawConfig } = await import("../../api/inspect.js");
  if (flags.on("raw")) {
    for (const image of args) process.stdout.write(await rawConfig(context, image));
    return 0;
  }
  const found = [];
  for (const image of args) found.push(await inspectImage(context, image));
  invocation.print(`${JSON.stringify(found, null, 2)}\n`);
  return 0;
}
