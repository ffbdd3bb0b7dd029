import type { OnExchange } from "../../core/events.js";
import { contextOf, platformOf } from "../context.js";
import type { Invocation } from "../command.js";
import { explainFormatOf } from "../flags/explain.js";
import { given } from "../flags/given.js";
import { startProgress, type Progress } from "../render/progress.js";
import { parsed, parseJobs, parseSize } from "../values.js";

/** Prints NAME@DIGEST of each image, in the order they were named. */
export async function run(invocation: Invocation): Promise<number> {
  const { args, flags, env } = invocation;
  const options = {
    platform: platformOf(flags, env),
    allPlatforms: flags.on("all-platforms"),
    artifacts: true,
    ...given("jobs", parsed(flags, "jobs", parseJobs)),
    ...given("maxUnpacked", parsed(flags, "max-unpacked", parseSize)),
  };
  const progress = await startProgressOf(invocation);
  try {
    const { emit, onExchange } = progress;
    const context = await contextOf(invocation, emit);
    const { pullAll } = await import("../../api/pull.js");
    const pulled = await pullAll({ ...context, ...given("onExchange", onExchange) }, args, options);
    progress.stop();
    for (const { repository, resolved } of pulled) invocation.print(`${repository}@${resolved}\n`);
    return 0;
  } finally {
    progress.stop();
  }
}

/** What hears of the pull as it goes on. */
type Listener = Progress & { readonly onExchange?: OnExchange };

async function startProgressOf(invocation: Invocation): Promise<Listener> {
  const { env, flags } = invocation;
  const format = explainFormatOf(flags);
  if (format === undefined)
    return startProgress(env, { quiet: flags.on("quiet"), mode: flags.text("progress") });
  const { explainPull } = await import("../explain/pull.js");
  return explainPull(invocation, format);
}
