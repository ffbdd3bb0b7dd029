import type { CommandGroup, CommandSpec } from "../command.js";

/** What the completion scripts know of one command. */
export interface Completion {
  /** `run`, or `volume ls`. */
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly CompletedFlag[];
  /** What each of its arguments may be. */
  readonly takes: readonly Values[];
  /** The last of them may be given any number of times. */
  readonly repeats: boolean;
  /** Everything after its first argument is the container's. */
  readonly passThrough: boolean;
}

export interface CompletedFlag {
  readonly short?: string;
  readonly long: string;
  /** Undefined for a flag without a value. */
  readonly value?: Values;
  readonly description: string;
}

/** The words themselves, and the kinds of things to list; with neither, files are offered. */
export interface Values {
  readonly words: readonly string[];
  readonly kinds: readonly Kind[];
}

export type Kind = keyof typeof listings;

/** Arguments of `pullrun` that print the names of a kind, a line each. */
export const listings = {
  image: `images --format '{{.Repository}}{{if ne .Tag "<none>"}}:{{.Tag}}{{end}}'`,
  container: "ps -a --format '{{.Names}}'",
  volume: "volume ls -q",
} as const;

const kinds = Object.keys(listings) as Kind[];
const shells: Values = { words: ["bash", "zsh", "fish"], kinds: [] };

export const programFlags: readonly CompletedFlag[] = [
  { long: "root", value: { words: [], kinds: [] }, description: "store directory" },
  {
    long: "rootfs-driver",
    value: { words: ["erofs", "directories"], kinds: [] },
    description: "how root file systems are made",
  },
  { long: "version", description: "print our version" },
  { long: "help", description: "print help" },
];

/** Before there is a command. */
export const program = { name: "", flags: programFlags };

export function completionsOf(
  commands: readonly CommandSpec[],
  groups: readonly CommandGroup[],
): readonly Completion[] {
  const grouped = groups.flatMap((group) =>
    group.commands.map((spec) => ({ ...completionOf(spec), name: `${group.name} ${spec.name}` })),
  );
  return [...commands.map(completionOf), ...grouped];
}

/** `volume` of `volume ls`; undefined for a command of one word. */
export function groupOf({ name }: Completion): string | undefined {
  return name.includes(" ") ? name.split(" ")[0] : undefined;
}

export function groupsOf(commands: readonly Completion[]): readonly string[] {
  return [...new Set(commands.map(groupOf).filter((group) => group !== undefined))];
}

/** What a command and a flag that takes the next word look like together: `run -e`, or ` --root` before a command. */
export function valuedFlags(commands: readonly Completion[]): readonly string[] {
  return [program, ...commands].flatMap(({ name, flags }) =>
    flags
      .filter(({ value }) => value !== undefined)
      .flatMap(spellings)
      .map((spelling) => `${name} ${spelling}`),
  );
}

/** As it is typed: `-e` and `--env`. */
export function spellings({ short, long }: CompletedFlag): string[] {
  return [...(short === undefined ? [] : [`-${short}`]), `--${long}`];
}

function completionOf({ name, summary, args, flags, passThrough }: CommandSpec): Completion {
  const help = { long: "help", description: "print help" };
  return {
    name,
    summary,
    flags: [...flags.map(flagOf), help],
    takes: args === "" ? [] : args.split(" ").map(argumentOf),
    repeats: args.includes("..."),
    passThrough: passThrough === true,
  };
}

/** From commander's syntax: `<container|image...>`, `[path]`. */
function argumentOf(argument: string): Values {
  const names = argument.replace(/^[<[]|\[@layer\]|\.\.\.|[>\]]$/g, "").split("|");
  if (names.includes("shell")) return shells;
  return { words: [], kinds: kinds.filter((kind) => names.includes(kind)) };
}

/** From commander's syntax: `-e, --env <key=value>`. */
function flagOf({ flags, description, choices = [] }: CommandSpec["flags"][number]): CompletedFlag {
  const [, short, long = "", value] = /^(?:-(\w), )?--(\S+)( <.*)?$/.exec(flags) ?? [];
  const values: Values = { words: choices, kinds: long === "volume" ? ["volume"] : [] };
  return {
    ...(short === undefined ? {} : { short }),
    long,
    ...(value === undefined ? {} : { value: values }),
    description,
  };
}
