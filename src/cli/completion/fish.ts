import {
  groupOf,
  groupsOf,
  listings,
  program,
  valuedFlags,
  type CompletedFlag,
  type Completion,
  type Values,
} from "./words.js";

/** Where nothing fits, files are offered. */
export function fishCompletion(commands: readonly Completion[]): string {
  const groups = groupsOf(commands);
  const lines = [
    ...program.flags.map((flag) => line("", flagWords(flag))),
    ...groups.map((group) => line(" 0", `-f -a ${group} -d ${quote(`commands for ${group}s`)}`)),
    line(" 0", "-f -a help -d 'print help'"),
    line(
      "help 0",
      `-f -a ${quote([...commands.map(({ name }) => name), ...groups].filter(isOneWord).join(" "))}`,
    ),
    ...commands.flatMap(commandLines),
  ];
  return `# pullrun completion for fish\n${functions(commands, groups)}${lines.join("\n")}\n`;
}

function isOneWord(name: string): boolean {
  return !name.includes(" ");
}

/**
 * `__pullrun_at COMMAND [ARGUMENTS]` tells whether the words before the cursor are that command with that many arguments
 * so far; COMMAND is empty before there is one.
 */
function functions(commands: readonly Completion[], groups: readonly string[]): string {
  const passing = commands.filter(({ passThrough }) => passThrough).map(({ name }) => quote(name));
  const single = commands.filter((command) => groupOf(command) === undefined);
  const grouped = commands.filter((command) => groupOf(command) !== undefined);
  const first = [...single.map(({ name }) => name), ...groups, "help"].map((name) => quote(` ${name}`));
  return `function __pullrun_scan
    set -l typed (commandline -opc)
    test "$typed" = "$__pullrun_typed"; and return
    set -g __pullrun_typed $typed
    set -g __pullrun_verb ''
    set -g __pullrun_given 0
    set -g __pullrun_root
    set -l flag ''
    for word in $typed[2..-1]
        if test -n "$flag"
            test "$flag" = --root; and set -g __pullrun_root --root $word
            set flag ''
            continue
        end
        if test $__pullrun_given -gt 0; and contains -- "$__pullrun_verb" ${passing.join(" ")}
            set -g __pullrun_given (math $__pullrun_given + 1)
            continue
        end
        switch "$__pullrun_verb $word"
            case ${valuedFlags(commands).map(quote).join(" ")}
                set flag $word
            case '* -*'
            case ${first.join(" ")}
                set -g __pullrun_verb $word
            case ${grouped.map(({ name }) => quote(name)).join(" ")}
                set -g __pullrun_verb "$__pullrun_verb $word"
            case ' *'
                set -g __pullrun_verb run
                set -g __pullrun_given 1
            case '*'
                set -g __pullrun_given (math $__pullrun_given + 1)
        end
    end
end
function __pullrun_at
    __pullrun_scan
    test "$__pullrun_verb" = "$argv[1]"; or return 1
    test (count $argv) = 1; or contains -- $__pullrun_given $argv[2..-1]
end
function __pullrun_from
    __pullrun_scan
    test "$__pullrun_verb" = "$argv[1]"; and test $__pullrun_given -ge $argv[2]
end
function __pullrun_list
    __pullrun_scan
    switch $argv[1]
${Object.entries(listings)
  .map(
    ([kind, words]) =>
      `        case ${kind}\n            command pullrun $__pullrun_root ${words} 2>/dev/null\n`,
  )
  .join("")}    end
end
`;
}

function commandLines({ name, summary, flags, takes, repeats, passThrough }: Completion): string[] {
  const [first = "", second] = name.split(" ");
  const self =
    second === undefined
      ? line(" 0", `-f -a ${first} -d ${quote(summary)}`)
      : line(`${first} 0`, `-f -a ${second} -d ${quote(summary)}`);
  const at = passThrough ? `${quote(name)} 0` : quote(name);
  const named = takes.flatMap((values, i) => {
    const words = valueWords(values);
    if (words === "") return [];
    const many = repeats && i === takes.length - 1;
    return [
      `complete -c pullrun -n ${quote(`__pullrun_${many ? "from" : "at"} ${quote(name)} ${i}`)} -f -a ${words}`,
    ];
  });
  return [
    self,
    ...flags.map((flag) => `complete -c pullrun -n ${quote(`__pullrun_at ${at}`)} ${flagWords(flag)}`),
    ...named,
  ];
}

function flagWords({ short, long, value, description }: CompletedFlag): string {
  const names = short === undefined ? `-l ${long}` : `-s ${short} -l ${long}`;
  const words = value === undefined ? "" : valueWords(value);
  // A volume may be a directory, too; of other values that we know there are no files.
  const files = words === "" || value?.words.length === 0 ? "-r" : "-x";
  const takes = value === undefined ? "" : ` ${files}${words === "" ? "" : ` -a ${words}`}`;
  return `${names}${takes} -d ${quote(description)}`;
}

/** Empty where files are to be offered. */
function valueWords({ words, kinds }: Values): string {
  const all = [...words, ...kinds.map((kind) => `(__pullrun_list ${kind})`)];
  return all.length === 0 ? "" : quote(all.join(" "));
}

/** For what comes before there is a command (`""`), or a group's command (`"volume 0"`). */
function line(at: string, rest: string): string {
  const [verb = "", ...given] = at.split(" ");
  return `complete -c pullrun -n ${quote(["__pullrun_at", quote(verb), ...given].join(" "))} ${rest}`;
}

/** fish has two escapes within single quotes. */
function quote(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}
