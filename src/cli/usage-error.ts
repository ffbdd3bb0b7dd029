import type { CommanderError } from "commander";
import type { CommandGroup, CommandSpec, FlagSpec } from "./command.js";
import { foreignFlagOf, foreignFlags } from "./foreign-flags.js";
import { suggest } from "./suggest.js";

export interface UsageProblem {
  readonly message: string;
  readonly hint: string;
}

/** The flags that go before the command. */
const programFlags = ["--root", "--rootfs-driver"];

/** commander's complaint in the words of our other errors, and what to do about it. */
export function describeUsage(
  error: CommanderError,
  spec: CommandSpec | undefined,
  group: CommandGroup | undefined,
): UsageProblem {
  const text = error.message.replace(/^error: /, "").split("\n")[0] ?? "";
  const words = ["pullrun", group?.name, spec?.name].filter((word) => word !== undefined);
  const help = words.length === 1 ? "pullrun help" : `${words.join(" ")} --help`;
  const usual = `\`${help}\` lists what there is`;
  switch (error.code) {
    case "commander.unknownOption": {
      const name = flagName(quoted(text));
      return { message: `unknown option '${name}'`, hint: flagHint(name, spec) ?? usual };
    }
    case "commander.unknownCommand":
      return {
        message: text,
        hint:
          didYouMean(
            quoted(text),
            (group?.commands ?? []).map(({ name }) => name),
          ) ?? usual,
      };
    case "commander.optionMissingArgument":
      return { message: `${longName(quoted(text))}: no value (expected ${quoted(text)})`, hint: usual };
    case "commander.invalidArgument":
      return { message: invalidValue(text), hint: usual };
    case "commander.missingArgument":
      return { message: text, hint: `usage: ${words.join(" ")} [options] ${spec?.args ?? ""}` };
    default:
      return { message: text, hint: usual };
  }
}

/** Without the value that is written together with it, which may be a password. */
function flagName(flag: string): string {
  return flag.startsWith("--") ? flag.replace(/=.*/s, "") : flag.slice(0, 2);
}

function flagHint(name: string, spec: CommandSpec | undefined): string | undefined {
  if (programFlags.includes(name)) return `${name} goes before the command`;
  const foreign = startsContainers(spec) ? foreignFlags.get(name) : foreignFlagOf(spec?.name ?? "", name);
  if (foreign !== undefined) return foreign;
  return didYouMean(
    name,
    (spec?.flags ?? []).map(({ flags }) => longName(flags)),
  );
}

function didYouMean(typed: string, words: readonly string[]): string | undefined {
  const meant = suggest(typed, words);
  return meant === undefined ? undefined : `did you mean ${meant}?`;
}

function startsContainers(spec: CommandSpec | undefined): boolean {
  return spec?.flags.some(({ flags }) => flags.includes("--entrypoint")) ?? false;
}

/** `option '--pull <policy>' argument 'x' is invalid. Allowed choices are a, b.` */
function invalidValue(text: string): string {
  const [, flags = "", value = "", choices = ""] =
    /^option '(.*)' argument '(.*)' is invalid. Allowed choices are (.*)\.$/s.exec(text) ?? [];
  return flags === "" ? text : `${longName(flags)}: ${value} (expected ${choices})`;
}

function quoted(text: string): string {
  return /'(.*)'/s.exec(text)?.[1] ?? "";
}

function longName(flags: FlagSpec["flags"]): string {
  return /--[a-z0-9-]+/.exec(flags)?.[0] ?? flags;
}
