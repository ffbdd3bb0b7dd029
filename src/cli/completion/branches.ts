import { groupOf, spellings, type CompletedFlag, type Completion, type Kind, type Values } from "./words.js";

/** How a shell writes what is offered: bash as words, zsh with descriptions. */
export interface Dialect {
  /** Sets a variable to words. */
  assign(variable: string, words: readonly Described[]): string;
  /** Adds to `candidates` what `_pullrun_list` prints. */
  append(kind: Kind): string;
}

export interface Described {
  readonly word: string;
  readonly description?: string;
}

export function patterns(words: readonly string[]): string {
  return words.map((word) => `"${word}"`).join(" | ");
}

export function described(flags: readonly CompletedFlag[]): Described[] {
  return flags.flatMap((flag) => spellings(flag).map((word) => ({ word, description: flag.description })));
}

export function membersOf(commands: readonly Completion[], group: string): Described[] {
  return commands
    .filter((command) => groupOf(command) === group)
    .map(({ name, summary }) => ({ word: name.slice(group.length + 1), description: summary }));
}

export function valueBranch(command: string, flag: CompletedFlag, dialect: Dialect): string[] {
  const offer = flag.value === undefined ? "" : offered(flag.value, dialect);
  return offer === ""
    ? []
    : [`    ${patterns(spellings(flag).map((word) => `${command} ${word}`))}) ${offer} ;;\n`];
}

export function argumentBranches({ name, takes, repeats }: Completion, dialect: Dialect): string[] {
  return takes.flatMap((values, i) => {
    const offer = offered(values, dialect);
    const many = repeats && i === takes.length - 1;
    return offer === "" ? [] : [`    "${name}:"${many ? "*" : i}) ${offer} ;;\n`];
  });
}

function offered({ words, kinds }: Values, dialect: Dialect): string {
  return [
    ...(words.length === 0
      ? []
      : [
          dialect.assign(
            "candidates",
            words.map((word) => ({ word })),
          ),
        ]),
    ...kinds.map((kind) => dialect.append(kind)),
  ].join("; ");
}
