import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { writeBytes } from "../output.js";

export async function run(invocation: Invocation): Promise<number> {
  const [image = "", ...paths] = invocation.args;
  const context = await inspectionContext(invocation);
  const { readImageFile } = await import("../../api/cat.js");
  for (const path of paths) await writeBytes(readImageFile(context, { image, path }));
  return 0;
}
