import type { CreateRequest } from "../api/containers/create.js";
import type { ImageRequest } from "../api/ensure-image.js";
import type { RunOptions } from "../launch/run-options.js";
import type { Invocation } from "./command.js";
import { platformOf } from "./context.js";
import { fileOptionsOf } from "./flags/files.js";
import { given } from "./flags/given.js";
import { isolationOptionsOf } from "./flags/isolation.js";
import { lifeOptionsOf } from "./flags/life.js";
import { limitOptionsOf } from "./flags/limits.js";
import { networkOptionsOf } from "./flags/network.js";
import { processOptionsOf } from "./flags/process.js";

/** What `run`, `spec` and `unpack` ask for: which image, and when the registry may be asked. */
export function imageRequestOf({ args, flags, env }: Invocation): ImageRequest {
  const platformGiven = flags.text("platform") !== undefined || env.platform !== undefined;
  return {
    image: args[0] ?? "",
    platform: platformOf(flags, env),
    platformGiven,
    pull: (flags.text("pull") ?? "missing") as ImageRequest["pull"],
  };
}

/** What `run` and `create` ask for. @throws UsageError */
export function createRequestOf(invocation: Invocation): CreateRequest {
  return {
    ...imageRequestOf(invocation),
    options: runOptionsOf(invocation),
    life: lifeOptionsOf(invocation),
    ...given("cidFile", invocation.flags.text("cidfile")),
  };
}

/** The container's side of a `run` command line. @throws UsageError */
export function runOptionsOf(invocation: Invocation): RunOptions {
  return {
    ...processOptionsOf(invocation),
    ...fileOptionsOf(invocation),
    ...isolationOptionsOf(invocation),
    ...limitOptionsOf(invocation),
    ...networkOptionsOf(invocation),
  };
}
