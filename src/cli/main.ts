import { Command, CommanderError, Option } from "commander";
import { AbortError, UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";
import { flagsOf, type CommandGroup, type CommandSpec, type FlagSpec, type Invocation } from "./command.js";
import { commands, defaultCommand, groups } from "./commands/table.js";
import { inOurWords, onlyDockers } from "./docker-words.js";
import { columnsOf, readEnv, type Env } from "./env.js";
import { helpLayout } from "./help.js";
import { print, stderr, stdout } from "./output.js";
import { reportError } from "./report-error.js";
import { suggest } from "./suggest.js";
import { version } from "./version.js";

const usageStatus = 2;
const commandNames = [...[...commands, ...groups].map(({ name }) => name), "help"];

/** The command line being carried out; known as soon as its command is. */
interface Session {
  readonly env: Env;
  spec?: CommandSpec;
}

/** Carries out one command line and sets the exit status. Does not return where the process becomes a container. */
export async function main(words: readonly string[]): Promise<void> {
  const session: Session = { env: readEnv() };
  try {
    const { argv, meant } = meantBy(words);
    const program = createProgram(session, meant);
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    const word = words[commandIndex(words)] ?? "";
    process.exitCode = await statusOf(error, session, word);
    if (process.exitCode !== 0) suggestCommand(word, session);
  }
}

interface Meant {
  readonly commands: readonly CommandSpec[];
  readonly groups: readonly CommandGroup[];
}

/** Program options with a value, which may come before the command. */
const programOptions = ["--root", "--rootfs-driver"];

/** How many words at the front are program options. */
function commandIndex(argv: readonly string[]): number {
  let first = 0;
  while (programOptions.includes(argv[first]?.replace(/=.*/s, "") ?? ""))
    first += argv[first]?.includes("=") === true ? 1 : 2;
  return first;
}

/**
 * The command line with its command spelt out, and what its first word can only mean: making all commands takes
 * milliseconds, and only help shows them. What is no command is an image; commander's own default command would take
 * the `--help` of `pullrun IMAGE ls --help` for itself. `help volume ls` is `volume ls --help`, where commander would
 * show no more than what `volume` has. @throws UsageError BAD_VALUE
 */
function meantBy(argv: readonly string[]): { readonly argv: readonly string[]; readonly meant: Meant } {
  const first = commandIndex(argv);
  const options = argv.slice(0, first);
  const words = argv.slice(first);
  const ours = inOurWords(words);
  if (ours !== undefined) return meantBy([...options, ...ours]);
  const [word = "", ...rest] = words;
  if (word === "help" && rest[0] !== undefined && rest[0] !== "help") {
    if (!commandNames.includes(rest[0])) throw unknownCommand(rest[0]);
    return meantBy([...options, ...rest, "--help"]);
  }
  if (word === "help") return { argv: [...options, "--help"], meant: { commands, groups } };
  if (["", "-h", "--help", "-v", "--version"].includes(word)) return { argv, meant: { commands, groups } };
  const meant = {
    commands: commands.filter(({ name }) => name === word),
    groups: groups.filter(({ name }) => name === word),
  };
  if (meant.commands.length + meant.groups.length > 0) return { argv, meant };
  const hint = onlyDockers(word);
  if (hint !== undefined) {
    const message = `${word}: pullrun has no such command (an image of that name: pullrun run ${word})`;
    throw new UsageError("BAD_VALUE", message, { hint });
  }
  return {
    argv: [...options, defaultCommand.name, word, ...rest],
    meant: { commands: [defaultCommand], groups: [] },
  };
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
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureHelp(helpLayout)
    .configureOutput({
      writeOut: print,
      getOutHelpWidth: () => columnsOf(stdout()),
      getErrHelpWidth: () => columnsOf(stderr()),
      // Said by statusOf, in our own words.
      outputError: () => undefined,
    });
  for (const spec of meant.commands) program.addCommand(subcommand(program, spec, session));
  addFlagsLate(program, meant.commands);
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
      invocationOf(args, { ...command.optsWithGlobals(), ...spec.implied }, { spec, env: session.env }),
    );
  });
}

function optionOf(flag: FlagSpec): Option {
  const option = new Option(flag.flags, flag.description);
  if (flag.choices !== undefined) {
    const { parseArg } = option.choices(flag.choices);
    // As docker: `--pull ''` is as none.
    option.argParser((value, previous: unknown) => (value === "" ? previous : parseArg?.(value, previous)));
  }
  if (flag.default !== undefined) option.default(flag.default);
  if (flag.repeat)
    option.argParser((value: string, previous: string[] | undefined) => [...(previous ?? []), value]);
  return option;
}

function invocationOf(
  args: readonly string[],
  values: Record<string, unknown>,
  { spec, env }: { readonly spec: CommandSpec; readonly env: Env },
): Invocation {
  return {
    args,
    flags: flagsOf(values),
    env,
    onlyReads: spec.onlyReads === true,
    signal: abortOnSignals(),
    print,
    note: (text) => stderr().write(`${text}\n`),
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

async function statusOf(error: unknown, { spec, env }: Session, word: string): Promise<number> {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    // A group without a command has shown its help.
    if (error.code !== "commander.help") {
      const { describeUsage } = await import("./usage-error.js");
      const group = groups.find(({ name }) => name === word);
      const { message, hint } = describeUsage(error, spec, group);
      stderr().write(`pullrun: ${message}\nhint: ${hint}\n`);
    }
    return spec?.failure === 125 ? 125 : usageStatus;
  }
  return reportError(error, { failure: spec?.failure ?? 1, debug: env.debug });
}

function unknownCommand(word: string): UsageError {
  const meant = suggest(word, commandNames);
  return new UsageError("BAD_VALUE", `help: ${printable(word, 60)}: no such command`, {
    hint: meant === undefined ? "`pullrun help` lists them" : `did you mean ${meant}?`,
  });
}

/** `pullrun imags` means an image of that name to us, and hardly to the user. */
function suggestCommand(word: string, { spec }: Session): void {
  if (spec?.name !== defaultCommand.name || commandNames.includes(word) || !/^[a-z]+$/.test(word)) return;
  const meant = suggest(word, commandNames);
  if (meant !== undefined) stderr().write(`hint: for the command, type: pullrun ${meant}\n`);
}
