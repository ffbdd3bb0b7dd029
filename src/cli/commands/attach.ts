import type { Invocation } from "../command.js";
import { clientOptionsOf } from "../flags/attach.js";
import { inspectionContext } from "../inspection.js";

/** Does not return: this process becomes a client of the container, and ends with its exit status. */
export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const context = await inspectionContext(invocation);
  const { becomeAttached } = await import("../../api/containers/become.js");
  const client = await clientOptionsOf(invocation, !flags.on("no-stdin"));
  return becomeAttached(context, args[0] ?? "", client);
}
