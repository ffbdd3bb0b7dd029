import { contextOf, platformOf } from "../context.js";
import type { Invocation } from "../command.js";
import { startProgress } from "../render/progress.js";
import { parseJobs } from "../values.js";

/** Prints NAME@DIGEST of each image, in the order they were named. */
export async function run(invocation: Invocation): Promise<number> {
  const { args, flags, env } = invocation;
  const jobs = flags.text("jobs");
  const options = {
    platform: platformOf(flags, env),
    allPlatforms: flags.on("all-platforms"),
    artifacts: true,
    ...(jobs === undefined ? {} : { jobs: parseJobs("--jobs", jobs) }),
  };
  const progress = await startProgress(env, { quiet: flags.on("quiet"), mode: flags.text("progress") });
  try {
    const context = await contextOf(invocation, progress.emit);
    const { pullAll } = await import("../../api/pull.js");
    const pulled = await pullAll(context, args, options);
    progress.stop();
    for (const { repository, resolved } of pulled) invocation.print(`${repository}@${resolved}\n`);
    return 0;
  } finally {
    progress.stop();
  }
}
