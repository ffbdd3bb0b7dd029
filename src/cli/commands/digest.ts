import { contextOf } from "../context.js";
import type { Invocation } from "../command.js";
import { startProgress } from "../render/progress.js";

export async function run(invocation: Invocation): Promise<number> {
  const progress = await startProgress(invocation.env, { quiet: false, mode: "plain" });
  try {
    const context = await contextOf(invocation, progress.emit);
    const { fetchDigest } = await import("../../api/manifest.js");
    for (const image of invocation.args) invocation.print(`${await fetchDigest(context, image)}\n`);
    return 0;
  } finally {
    progress.stop();
  }
}
