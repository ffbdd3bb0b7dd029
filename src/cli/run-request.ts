import { readFileSync } from "node:fs";
import type { ImageRequest } from "../api/ensure-image.js";
import { UsageError, errnoOf } from "../core/errors.js";
import type { RunOptions } from "../launch/run-options.js";
import type { Flags, Invocation } from "./command.js";
import { platformOf } from "./context.js";
import type { Env } from "./env.js";
import { parseCount, parseCpus, parseEnvFile, parseSize, resolveVariable } from "./values.js";

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

/** The container's side of a `run` command line. @throws UsageError */
export function runOptionsOf({ args, flags, env }: Invocation): RunOptions {
  return {
    args: args.slice(1),
    env: variablesOf(flags, env),
    network: (flags.text("network") ?? "none") as RunOptions["network"],
    isolation: (flags.text("isolation") ?? "namespaces") as RunOptions["isolation"],
    interactive: flags.on("interactive"),
    readOnly: flags.on("read-only"),
    ...given("entrypoint", flags.text("entrypoint")),
    ...given("user", flags.text("user")),
    ...given("workdir", flags.text("workdir")),
    ...given("hostname", flags.text("hostname")),
    ...given("memory", parsed(flags, "memory", parseSize)),
    ...given("pidsLimit", parsed(flags, "pids-limit", parseCount)),
    ...given("cpus", parsed(flags, "cpus", parseCpus)),
  };
}

/** Files first: what is on the command line wins. */
function variablesOf(flags: Flags, env: Env): string[] {
  const fromFiles = flags.list("env-file").flatMap((file) => parseEnvFile(readEnvFile(file), env.variable));
  const fromFlags = flags.list("env").flatMap((entry) => resolveVariable(entry, env.variable));
  return [...fromFiles, ...fromFlags];
}

function readEnvFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError("BAD_VALUE", `--env-file: ${file}: ${errnoOf(error) ?? "cannot be read"}`, {
      cause: error,
    });
  }
}

function parsed(
  flags: Flags,
  name: string,
  parse: (flag: string, text: string) => number,
): number | undefined {
  const text = flags.text(name);
  return text === undefined ? undefined : parse(`--${name}`, text);
}

function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}
