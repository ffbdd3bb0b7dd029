import { contextOf } from "../context.js";
import type { Invocation } from "../command.js";
import { progressWhenNeeded } from "../render/later.js";
import { createRequestOf } from "../run-request.js";

export async function run(invocation: Invocation): Promise<number> {
  const { flags, env, print } = invocation;
  const request = createRequestOf(invocation);
  const progress = progressWhenNeeded(env, { quiet: flags.on("quiet") });
  try {
    const context = await contextOf(invocation, progress.emit);
    const { makeContainer } = await import("../../api/containers/make.js");
    const id = await makeContainer(context, request);
    await progress.stop();
    print(`${id}\n`);
    return 0;
  } finally {
    await progress.stop();
  }
}
