import type { Invocation } from "../command.js";
import { stopOptionsOf } from "../flags/life.js";
import { forEachWord } from "../each.js";
import { inspectionContext } from "../inspection.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const options = stopOptionsOf(flags);
  const context = await inspectionContext(invocation);
  const { restartContainer } = await import("../../api/containers/restart.js");
  return forEachWord(invocation, args, (word) => restartContainer(context, word, options));
}
