import { Command, CommanderError, Option } from "commander";
import { AbortError } from "../core/errors.js";
import { flagsOf, type CommandGroup, type CommandSpec, type FlagSpec, type Invocation } from "./command.js";
import { commands, defaultCommand, groups } from "./commands/table.js";
import { readEnv, type Env } from "./env.js";
import { stdout } from "./output.js";
import { reportError } from "./report-error.js";
import { suggest } from "./suggest.js";
import { version } from "./version.js";

const usageStatus = 2;

/** The command line being carried out; known as soon as its command is. */
interface Session {
  readonly env: Env;
  spec?: CommandSpec;
}

/** Carries out one command line and sets the exit status. Does not return where the process becomes a container. */
export async function main(argv: readonly string[]): Promise<void> {
  const session: Session = { env: readEnv() };
  const program = createProgram(session, meantBy(argv));
  if (argv.length === 0) {
    program.outputHelp();
    return;
  }
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    process.exitCode = statusOf(error, session);
    if (process.exitCode !== 0) suggestCommand(argv, session);
  }
}

interface Meant {
  readonly commands: readonly CommandSpec[];
  readonly groups: readonly CommandGroup[];
  /** Whether the first word may be an image. */
  readonly byDefault: boolean;
}

/** Program options with a value, which may come before the command. */
const programOptions = ["--root", "--rootfs-driver"];

/** What the first word can only mean. Making all commands takes milliseconds, and only help shows them. */
function meantBy(argv: readonly string[]): Meant {
  let first = 0;
  while (programOptions.includes(argv[first] ?? "")) first += 2;
  const word = argv[first] ?? "";
  if (word === "" || word === "help" || word.startsWith("-")) return { commands, groups, byDefault: true };
  const named = {
    commands: commands.filter(({ name }) => name === word),
    groups: groups.filter(({ name }) => name === word),
  };
  return { ...named, byDefault: named.commands.length + named.groups.length === 0 };
}

function createProgram(session: Session, meant: Meant): Command {
  const program = new Command("pullrun")
    .description("Pull container images and run them, with no daemon.")
    .usage("[options] IMAGE [ARG...]\n       pullrun [options] COMMAND ...")
    .version(`pullrun ${version}`, "-v, --version", "print our version")
    .option("--root <dir>", "store directory (PULLRUN_ROOT)")
    .option(
      "--rootfs-driver <name>",
      "erofs or directories; the best that works here (PULLRUN_ROOTFS_DRIVER)",
    )
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout().write(text),
      outputError: (text, write) => write(text.replace(/^error: /, "pullrun: ")),
    });
  for (const spec of meant.commands) program.addCommand(subcommand(program, spec, session));
  if (meant.byDefault)
    program.addCommand(subcommand(program, defaultCommand, session), { isDefault: true, hidden: true });
  addFlagsLate(program, [...meant.commands, defaultCommand]);
  for (const group of meant.groups) program.addCommand(groupCommand(program, group, session));
  return program;
}

/** Only to the command that is meant: all flags of all commands take milliseconds. */
function addFlagsLate(parent: Command, specs: readonly CommandSpec[]): void {
  parent.hook("preSubcommand", (_, command) => {
    const flags = specs.find(({ name }) => name === command.name())?.flags ?? [];
    for (const flag of flags) command.addOption(optionOf(flag));
  });
}

function groupCommand(program: Command, group: CommandGroup, session: Session): Command {
  const command = program.createCommand(group.name).copyInheritedSettings(program);
  command.description(group.summary).enablePositionalOptions();
  addFlagsLate(command, group.commands);
  for (const spec of group.commands) command.addCommand(subcommand(command, spec, session));
  return command;
}

function subcommand(program: Command, spec: CommandSpec, session: Session): Command {
  const command = program.createCommand(spec.name).copyInheritedSettings(program);
  command.description(spec.summary).allowExcessArguments(false);
  command.exitOverride((error) => {
    session.spec = spec;
    throw error;
  });
  if (spec.args !== "") command.arguments(spec.args);
  if (spec.passThrough) command.passThroughOptions();
  return command.action(async () => {
    session.spec = spec;
    const args = command.processedArgs.flat().filter((arg): arg is string => typeof arg === "string");
    const { run } = await spec.load();
    process.exitCode = await run(
      invocationOf(args, { ...command.optsWithGlobals(), ...spec.implied }, session.env),
    );
  });
}

function optionOf(flag: FlagSpec): Option {
  const option = new Option(flag.flags, flag.description);
  if (flag.choices !== undefined) option.choices(flag.choices);
  if (flag.default !== undefined) option.default(flag.default);
  if (flag.repeat)
    option.argParser((value: string, previous: string[] | undefined) => [...(previous ?? []), value]);
  return option;
}

function invocationOf(args: readonly string[], values: Record<string, unknown>, env: Env): Invocation {
  return {
    args,
    flags: flagsOf(values),
    env,
    signal: abortOnSignals(),
    print: (text) => stdout().write(text),
    note: (text) => process.stderr.write(`${text}\n`),
  };
}

function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () =>
      controller.abort(new AbortError("INTERRUPTED", "interrupted", { details: { signal: name } })),
    );
  }
  return controller.signal;
}

function statusOf(error: unknown, { spec, env }: Session): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    return spec?.failure === 125 ? 125 : usageStatus;
  }
  return reportError(error, { failure: spec?.failure ?? 1, debug: env.debug });
}

/** `pullrun imags` means an image of that name to us, and hardly to the user. */
function suggestCommand(argv: readonly string[], { spec }: Session): void {
  const [word = ""] = argv;
  const names = [...[...commands, ...groups].map(({ name }) => name), "help"];
  if (spec?.name !== defaultCommand.name || names.includes(word) || !/^[a-z]+$/.test(word)) return;
  const meant = suggest(word, names);
  if (meant !== undefined) process.stderr.write(`hint: for the command, type: pullrun ${meant}\n`);
}
