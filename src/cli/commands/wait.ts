import type { Invocation } from "../command.js";
import { forEachWord } from "../each.js";
import { inspectionContext } from "../inspection.js";

export async function run(invocation: Invocation): Promise<number> {
  const context = await inspectionContext(invocation);
  const { waitForContainer } = await import("../../api/containers/wait.js");
  return forEachWord(invocation, invocation.args, async (word) =>
    String(await waitForContainer(context, word)),
  );
}
