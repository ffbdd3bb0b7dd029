import path from "node:path";
import type { CreateRequest } from "../api/containers/create.js";
import type { ImageRequest } from "../api/ensure-image.js";
import type { RootDirectory } from "../launch/options/files.js";
import type { RunOptions } from "../launch/run-options.js";
import type { Invocation } from "./command.js";
import { platformOf } from "./context.js";
import { fileOptionsOf } from "./flags/files.js";
import { given, nonEmpty } from "./flags/given.js";
import { isolationOptionsOf } from "./flags/isolation.js";
import { lifeOptionsOf, parseLabel } from "./flags/life.js";
import { limitOptionsOf } from "./flags/limits.js";
import { networkOptionsOf } from "./flags/network.js";
import { processOptionsOf } from "./flags/process.js";
import { parsed, parseSize } from "./values.js";

/** What `run`, `spec` and `unpack` ask for: which image, and when the registry may be asked. */
export function imageRequestOf({ args, flags, env }: Invocation): ImageRequest {
  const platformGiven = nonEmpty(flags, "platform") !== undefined || env.platform !== undefined;
  return {
    image: args[0] ?? "",
    platform: platformOf(flags, env),
    platformGiven,
    pull: (flags.text("pull") ?? "missing") as ImageRequest["pull"],
    ...given("maxUnpacked", parsed(flags, "max-unpacked", parseSize)),
  };
}

/** What `run` and `create` ask for. @throws UsageError */
export function createRequestOf(invocation: Invocation): CreateRequest {
  const request = imageRequestOf(invocation);
  const rootDir = invocation.flags.on("rootfs") ? rootDirectoryOf(request.image) : undefined;
  return {
    ...request,
    options: {
      ...runOptionsOf(invocation),
      ...given("rootDir", rootDir),
      ...given("runtime", nonEmpty(invocation.flags, "runtime")),
    },
    life: lifeOptionsOf(invocation),
    ...given("cidFile", nonEmpty(invocation.flags, "cidfile")),
  };
}

/** podman's `DIR[:O]`. */
function rootDirectoryOf(text: string): RootDirectory {
  const overlay = text.endsWith(":O");
  return { path: path.resolve(overlay ? text.slice(0, -2) : text), overlay };
}

/** The container's side of a `run` command line. @throws UsageError */
export function runOptionsOf(invocation: Invocation): RunOptions {
  const annotations = invocation.flags.list("annotation").map(parseLabel("--annotation"));
  return {
    ...given("annotations", annotations.length === 0 ? undefined : Object.fromEntries(annotations)),
    ...processOptionsOf(invocation),
    ...fileOptionsOf(invocation),
    ...isolationOptionsOf(invocation),
    ...limitOptionsOf(invocation),
    ...networkOptionsOf(invocation),
  };
}
