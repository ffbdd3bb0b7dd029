import { UsageError } from "../../core/errors.js";
import type { Invocation } from "../command.js";
import { forEachWord } from "../each.js";
import { clientOptionsOf } from "../flags/attach.js";
import { inspectionContext } from "../inspection.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const context = await inspectionContext(invocation);
  if (flags.on("attach") || flags.on("interactive")) {
    const [word = "", another] = args;
    if (another !== undefined) {
      throw new UsageError("BAD_FLAG", "start: --attach takes one container", {
        hint: "leave out -a and -i to start several",
      });
    }
    const { becomeStarted } = await import("../../api/containers/become.js");
    const client = await clientOptionsOf(invocation, flags.on("interactive"));
    return becomeStarted(context, word, client);
  }
  const { startContainer } = await import("../../api/containers/start.js");
  return forEachWord(invocation, args, (word) => startContainer(context, word));
}
