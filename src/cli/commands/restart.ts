import type { Invocation } from "../command.js";
import { forEachWord } from "../each.js";
import { inspectionContext } from "../inspection.js";
import { parseCount, parsed } from "../values.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const options = { timeout: parsed(flags, "time", parseCount), signal: flags.text("signal") };
  const context = await inspectionContext(invocation);
  const { restartContainer } = await import("../../api/containers/restart.js");
  return forEachWord(invocation, args, (word) => restartContainer(context, word, options));
}
