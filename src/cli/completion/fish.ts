import { programFlags, type CompletedFlag, type Completion } from "./words.js";

export function fishCompletion(commands: readonly Completion[]): string {
  const lines = [
    ...programFlags.map((flag) => line("__fish_use_subcommand", flagWords(flag))),
    ...commands.flatMap(commandLines),
  ];
  return `# pullrun completion for fish\n${[...new Set(lines)].join("\n")}\n`;
}

const listings = {
  image: "(pullrun images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null)",
  container: "(pullrun ps -a --format '{{.Names}}' 2>/dev/null)",
} as const;

function commandLines({ name, summary, flags, takes }: Completion): string[] {
  const [first = "", second] = name.split(" ");
  const seen = [first, second]
    .filter((word) => word !== undefined)
    .map((word) => `__fish_seen_subcommand_from ${word}`);
  const names =
    second === undefined
      ? [line("__fish_use_subcommand", `-f -a ${first} -d ${quote(summary)}`)]
      : [
          line("__fish_use_subcommand", `-f -a ${first}`),
          line(seen[0] ?? "", `-f -a ${second} -d ${quote(summary)}`),
        ];
  const condition = seen.join("; and ");
  const named = takes === "other" ? [] : [line(condition, `-a ${quote(listings[takes])}`)];
  return [...names, ...flags.map((flag) => line(condition, flagWords(flag))), ...named];
}

function flagWords({ short, long, takesValue, description }: CompletedFlag): string {
  const names = short === undefined ? `-l ${long}` : `-s ${short} -l ${long}`;
  return `${names}${takesValue ? " -r" : ""} -d ${quote(description)}`;
}

function line(condition: string, rest: string): string {
  return `complete -c pullrun -n ${quote(condition)} ${rest}`;
}

/** fish has two escapes within single quotes. */
function quote(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}
