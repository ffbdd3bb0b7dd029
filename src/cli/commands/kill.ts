import type { Invocation } from "../command.js";
import { forEachWord } from "../each.js";
import { inspectionContext } from "../inspection.js";

export async function run(invocation: Invocation): Promise<number> {
  const context = await inspectionContext(invocation);
  const { killContainer } = await import("../../api/containers/signal.js");
  const signal = invocation.flags.text("signal") ?? "SIGKILL";
  return forEachWord(invocation, invocation.args, async (word) => {
    await killContainer(context, word, signal);
  });
}
