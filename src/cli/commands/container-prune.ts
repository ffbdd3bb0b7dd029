import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { formatSize } from "../render/units.js";

export async function run(invocation: Invocation): Promise<number> {
  const context = await inspectionContext(invocation);
  const { pruneContainers } = await import("../../api/containers/prune.js");
  const { removed, bytes } = await pruneContainers(context, invocation.flags.list("filter"));
  invocation.print(removed.map((id) => `${id}\n`).join(""));
  invocation.note(`freed ${formatSize(bytes)}`);
  return 0;
}
