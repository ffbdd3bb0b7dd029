import type { Invocation } from "../command.js";
import { forEachWord } from "../each.js";
import { inspectionContext } from "../inspection.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const context = await inspectionContext(invocation);
  const { removeContainer } = await import("../../api/containers/remove.js");
  const options = { force: flags.on("force"), volumes: flags.on("volumes") };
  return forEachWord(
    invocation,
    args,
    async (word) => {
      await removeContainer(context, word, options);
      return word;
    },
    { absentIsFine: options.force },
  );
}
