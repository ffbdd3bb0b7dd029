import { contextOf } from "../context.js";
import type { Invocation } from "../command.js";
import { formatJson } from "../render/json.js";
import { startProgress } from "../render/progress.js";

/** A tag a line, ready to be piped; `-q` hides retries and warnings. */
export async function run(invocation: Invocation): Promise<number> {
  const { args, flags, env } = invocation;
  const progress = await startProgress(env, { quiet: flags.on("quiet"), mode: "plain" });
  try {
    const context = await contextOf(invocation, progress.emit);
    const { listTags } = await import("../../api/tags.js");
    const tags = await listTags(context, args[0] ?? "");
    invocation.print(flags.on("json") ? formatJson(tags) : tags.map((tag) => `${tag}\n`).join(""));
    return 0;
  } finally {
    progress.stop();
  }
}
