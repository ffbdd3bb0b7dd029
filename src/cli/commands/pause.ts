import type { Invocation } from "../command.js";
import { forEachWord } from "../each.js";
import { inspectionContext } from "../inspection.js";

export async function run(invocation: Invocation): Promise<number> {
  const context = await inspectionContext(invocation);
  const { pauseContainer } = await import("../../api/containers/freeze.js");
  return forEachWord(invocation, invocation.args, (word) => pauseContainer(context, word));
}
