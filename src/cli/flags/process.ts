import type { ProcessOptions } from "../../launch/options/process.js";
import type { Flags, FlagSpec, Invocation } from "../command.js";
import type { Env } from "../env.js";
import { parsed, parseEnvFile, parseMask, resolveVariable } from "../values.js";
import { readFlagFile } from "./flag-file.js";
import { given } from "./given.js";

/** What every process of a container has. */
export const execProcessFlags: readonly FlagSpec[] = [
  {
    flags: "-e, --env <key=value>",
    description: "set a variable, or copy it from here with -e KEY",
    repeat: true,
  },
  { flags: "--env-file <file>", description: "read variables from a file", repeat: true },
  { flags: "-u, --user <user[:group]>", description: "user name or uid, in the image" },
  { flags: "-w, --workdir <dir>", description: "working directory in the container" },
];

export const processFlags: readonly FlagSpec[] = [
  ...execProcessFlags,
  { flags: "--group-add <group>", description: "a further group, by name in the image or gid", repeat: true },
  { flags: "--entrypoint <command>", description: "replace the image's entrypoint; '' clears it" },
  { flags: "--umask <mode>", description: "octal mask of new files' modes (0022)" },
];

/** @throws UsageError */
export function processOptionsOf({ args, flags, env }: Invocation): ProcessOptions {
  return {
    args: args.slice(1),
    env: variablesOf(flags, env),
    interactive: flags.on("interactive"),
    tty: flags.on("tty"),
    ...given("entrypoint", flags.text("entrypoint")),
    ...given("user", flags.text("user")),
    ...given("groupAdd", flags.list("group-add").length === 0 ? undefined : flags.list("group-add")),
    ...given("umask", parsed(flags, "umask", parseMask)),
    ...given("workdir", flags.text("workdir") === "" ? undefined : flags.text("workdir")),
  };
}

/** Files first: what is on the command line wins. */
export function variablesOf(flags: Flags, env: Env): string[] {
  const fromFiles = flags
    .list("env-file")
    .flatMap((file) => parseEnvFile(readFlagFile("--env-file", file), env.variable));
  const fromFlags = flags.list("env").flatMap((entry) => resolveVariable(entry, env.variable));
  return [...fromFiles, ...fromFlags];
}
