import { contextOf, platformOf } from "../context.js";
import type { Invocation } from "../command.js";
import { startProgress } from "../render/progress.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags, env } = invocation;
  const progress = await startProgress(env, { quiet: flags.on("quiet") });
  try {
    const context = await contextOf(invocation, progress.emit);
    const { pull } = await import("../../api/pull.js");
    const pulled = await pull(context, { image: args[0] ?? "", platform: platformOf(flags, env) });
    progress.stop();
    invocation.print(`${pulled.repository}@${pulled.resolved}\n`);
    return 0;
  } finally {
    progress.stop();
  }
}
