import { StoreError } from "../../core/errors.js";
import type { Invocation } from "../command.js";
import { forEachWord } from "../each.js";
import { inspectionContext } from "../inspection.js";
import { reportError } from "../report-error.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const context = await inspectionContext(invocation);
  const { removeContainer } = await import("../../api/containers/remove.js");
  const options = { force: flags.on("force"), volumes: flags.on("volumes") };
  return forEachWord(invocation, args, async (word) => {
    try {
      await removeContainer(context, word, options);
      return word;
    } catch (error) {
      if (!options.force || !(error instanceof StoreError) || error.code !== "NOT_FOUND") throw error;
      // Docker's: said, but it is what was wanted.
      reportError(error, { failure: 1, debug: invocation.env.debug });
      return null;
    }
  });
}
