import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";

export async function run(invocation: Invocation): Promise<number> {
  const [word = "", name = ""] = invocation.args;
  const context = await inspectionContext(invocation);
  const { renameContainer } = await import("../../api/containers/rename.js");
  await renameContainer(context, word, name);
  return 0;
}
