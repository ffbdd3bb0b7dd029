import { UsageError } from "../../core/errors.js";
import { contextOf, platformOf } from "../context.js";
import type { Invocation } from "../command.js";
import { given } from "../flags/given.js";
import { startProgress } from "../render/progress.js";
import { parsed, parseSize } from "../values.js";

/** Prints the full name of every image it has stored. */
export async function run(invocation: Invocation): Promise<number> {
  const { flags, env } = invocation;
  const input = inputOf(flags.text("input"));
  const progress = await startProgress(env, { quiet: flags.on("quiet") });
  try {
    const context = await contextOf(invocation, progress.emit);
    const { loadArchive } = await import("../../api/load.js");
    const names = await loadArchive(context, {
      input,
      platform: platformOf(flags, env),
      ...given("maxUnpacked", parsed(flags, "max-unpacked", parseSize)),
    });
    progress.stop();
    invocation.print(names.map((name) => `${name}\n`).join(""));
    return 0;
  } finally {
    progress.stop();
    // Interrupted, we would wait for bytes that may never come.
    if ("stream" in input) input.stream.destroy();
  }
}

function inputOf(
  file: string | undefined,
): { readonly file: string } | { readonly stream: NodeJS.ReadStream } {
  if (file !== undefined && file !== "-") return { file };
  if (process.stdin.isTTY) {
    throw new UsageError("BAD_FLAG", "load: standard input is a terminal (expected an archive)", {
      hint: "name a file with -i FILE",
    });
  }
  return { stream: process.stdin };
}
