import { contextOf } from "../context.js";
import type { Invocation } from "../command.js";
import { startProgress } from "../render/progress.js";
import { imageRequestOf } from "../run-request.js";

export async function run(invocation: Invocation): Promise<number> {
  const progress = await startProgress(invocation.env, { quiet: false });
  try {
    const context = await contextOf(invocation, progress.emit);
    const { unpackImage } = await import("../../api/unpack.js");
    const directory = await unpackImage(context, imageRequestOf(invocation), invocation.args[1] ?? "");
    progress.stop();
    invocation.print(`${directory}\n`);
    return 0;
  } finally {
    progress.stop();
  }
}
