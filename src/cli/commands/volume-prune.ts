import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { formatSize } from "../render/units.js";

export async function run(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const context = await inspectionContext(invocation);
  const { pruneVolumes } = await import("../../api/volumes/prune.js");
  const { names, bytes } = await pruneVolumes(context, {
    all: flags.on("all"),
    filters: flags.list("filter"),
  });
  invocation.print(names.map((name) => `${name}\n`).join(""));
  invocation.note(`reclaimed ${formatSize(bytes)}`);
  return 0;
}
