import type { Invocation } from "../command.js";
import { forEachWord } from "../each.js";
import { inspectionContext } from "../inspection.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const context = await inspectionContext(invocation);
  const { removeVolume } = await import("../../api/volumes/remove.js");
  const options = { force: flags.on("force") };
  return forEachWord(invocation, args, (name) => removeVolume(context, name, options));
}
