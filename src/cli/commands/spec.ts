import { contextOf } from "../context.js";
import type { Invocation } from "../command.js";
import { formatJson } from "../render/json.js";
import { startProgress } from "../render/progress.js";
import { imageRequestOf, runOptionsOf } from "../run-request.js";

export async function run(invocation: Invocation): Promise<number> {
  const options = runOptionsOf(invocation);
  const progress = await startProgress(invocation.env, { quiet: false });
  try {
    const context = await contextOf(invocation, progress.emit);
    const { specOf } = await import("../../api/spec.js");
    const spec = await specOf(context, { ...imageRequestOf(invocation), options });
    progress.stop();
    invocation.print(formatJson(spec));
    return 0;
  } finally {
    progress.stop();
  }
}
