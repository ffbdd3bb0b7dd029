import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";

export async function run(invocation: Invocation): Promise<number> {
  const [source = "", name = ""] = invocation.args;
  const context = await inspectionContext(invocation);
  const { tagImage } = await import("../../api/tag.js");
  invocation.print(`${await tagImage(context, source, name)}\n`);
  return 0;
}
