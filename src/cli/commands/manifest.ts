import { contextOf, platformOf } from "../context.js";
import type { Invocation } from "../command.js";
import { nonEmpty } from "../flags/given.js";
import { writeBytes } from "../output.js";
import { formatJson } from "../render/json.js";
import { startProgress } from "../render/progress.js";

/** `--raw` writes the very bytes: their sha256 is the image's digest. */
export async function run(invocation: Invocation): Promise<number> {
  const { args, flags, env } = invocation;
  const platform = nonEmpty(flags, "platform") === undefined ? {} : { platform: platformOf(flags, env) };
  const progress = await startProgress(env, { quiet: false, mode: "plain" });
  try {
    const context = await contextOf(invocation, progress.emit);
    const { fetchManifest } = await import("../../api/manifest.js");
    const { bytes } = await fetchManifest(context, { image: args[0] ?? "", ...platform });
    if (flags.on("raw")) await writeBytes([bytes]);
    else invocation.print(formatJson(JSON.parse(Buffer.from(bytes).toString("utf8"))));
    return 0;
  } finally {
    progress.stop();
  }
}
