import { Command, CommanderError, Option } from "commander";
import { AbortError } from "../core/errors.js";
import { flagsOf, type CommandSpec, type FlagSpec, type Invocation } from "./command.js";
import { commands } from "./commands/table.js";
import { readEnv, type Env } from "./env.js";
import { reportError } from "./report-error.js";

const usageStatus = 2;

await main(process.argv.slice(2), readEnv());

async function main(argv: readonly string[], env: Env): Promise<void> {
  process.stdout.on("error", endOnClosedPipe);
  let current: CommandSpec | undefined;
  const program = createProgram(async (spec, invocation) => {
    current = spec;
    const { run } = await spec.load();
    process.exitCode = await run(invocation);
  }, env);
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    process.exitCode = statusOf(error, current ?? namedCommand(argv), env);
  }
}

type Start = (spec: CommandSpec, invocation: Invocation) => Promise<void>;

function createProgram(start: Start, env: Env): Command {
  const program = new Command("pullrun")
    .description("Pull container images and run them, with no daemon.")
    .usage("[options] IMAGE [ARG...]\n       pullrun [options] COMMAND ...")
    .option("--root <dir>", "store directory (PULLRUN_ROOT)")
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "pullrun: ")) });
  for (const spec of commands) program.addCommand(subcommand(spec, start, env), { isDefault: spec.name === "run" });
  return program;
}

function subcommand(spec: CommandSpec, start: Start, env: Env): Command {
  const command = new Command(spec.name).description(spec.summary).exitOverride().allowExcessArguments(false);
  if (spec.args !== "") command.arguments(spec.args);
  if (spec.passThrough) command.passThroughOptions();
  for (const flag of spec.flags) command.addOption(optionOf(flag));
  return command.action(async () => {
    const args = command.processedArgs.flat().filter((arg): arg is string => typeof arg === "string");
    await start(spec, invocationOf(args, command.optsWithGlobals(), env));
  });
}

function optionOf(flag: FlagSpec): Option {
  const option = new Option(flag.flags, flag.description);
  if (flag.choices !== undefined) option.choices(flag.choices);
  if (flag.default !== undefined) option.default(flag.default);
  if (flag.repeat) option.argParser((value: string, previous: string[] | undefined) => [...(previous ?? []), value]);
  return option;
}

function invocationOf(args: readonly string[], values: Record<string, unknown>, env: Env): Invocation {
  return {
    args,
    flags: flagsOf(values),
    env,
    signal: abortOnSignals(),
    print: (text) => process.stdout.write(text),
    note: (text) => process.stderr.write(`${text}\n`),
  };
}

function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => controller.abort(new AbortError("INTERRUPTED", "interrupted", { details: { signal: name } })));
  }
  return controller.signal;
}

function statusOf(error: unknown, spec: CommandSpec | undefined, env: Env): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    return spec?.failure === 125 ? 125 : usageStatus;
  }
  return reportError(error, { failure: spec?.failure ?? 1, debug: env.debug });
}

/** The command a usage error is about: `pullrun IMAGE` counts as run. */
function namedCommand(argv: readonly string[]): CommandSpec | undefined {
  const word = argv.find((arg) => !arg.startsWith("-"));
  return commands.find(({ name }) => name === word) ?? commands[0];
}

/** `pullrun images | head -1` is no failure. */
function endOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
}
