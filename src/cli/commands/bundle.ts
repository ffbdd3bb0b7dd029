import type { Invocation } from "../command.js";
import { contextOf } from "../context.js";
import { startProgress } from "../render/progress.js";
import { imageRequestOf, runOptionsOf } from "../run-request.js";

export async function run(invocation: Invocation): Promise<number> {
  const [image = "", directory = "", ...command] = invocation.args;
  const options = runOptionsOf({ ...invocation, args: [image, ...command] });
  const progress = await startProgress(invocation.env, { quiet: false });
  try {
    const context = await contextOf(invocation, progress.emit);
    const { bundleImage } = await import("../../api/bundle.js");
    const bundle = await bundleImage(context, { ...imageRequestOf(invocation), options }, directory);
    progress.stop();
    invocation.print(`${bundle}\n`);
    return 0;
  } finally {
    progress.stop();
  }
}
