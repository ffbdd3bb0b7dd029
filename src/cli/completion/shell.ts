import {
  argumentBranches,
  described,
  membersOf,
  patterns,
  valueBranch,
  type Described,
  type Dialect,
} from "./branches.js";
import { groupOf, groupsOf, listings, program, valuedFlags, type Completion } from "./words.js";

/**
 * Functions that bash and zsh both understand. `_pullrun_scan` reads the words before the one to complete: into `verb`
 * the command, into `given` how many arguments it has, into `flag` the flag whose value comes next, into `root` the
 * store. `_pullrun_offer WORD` sets `candidates` for it, or `switches` for a flag; neither where files fit.
 */
export function shellFunctions(commands: readonly Completion[], dialect: Dialect): string {
  const groups = groupsOf(commands);
  const first: Described[] = [
    ...commands
      .filter((command) => groupOf(command) === undefined)
      .map(({ name, summary }) => ({ word: name, description: summary })),
    ...groups.map((word) => ({ word, description: `commands for ${word}s` })),
    { word: "help", description: "print help" },
  ];
  return [
    scanFunction(commands, first),
    listFunction(),
    valueFunction(commands, dialect),
    offerFunction(commands, { groups, first, dialect }),
  ].join("");
}

function scanFunction(commands: readonly Completion[], first: readonly Described[]): string {
  const passing = commands.filter(({ passThrough }) => passThrough).map(({ name }) => name);
  const grouped = commands.filter((command) => groupOf(command) !== undefined);
  return `_pullrun_scan() {
  verb="" flag="" given=0 root=""
  local word
  for word in "$@"; do
    if [[ -n $flag ]]; then
      if [[ $flag == --root ]]; then root=$word; fi
      flag=""
      continue
    fi
    if ((given > 0)) && [[ ${passing.map((name) => `$verb == "${name}"`).join(" || ")} ]]; then
      given=$((given + 1))
      continue
    fi
    case "$verb $word" in
      ${patterns(valuedFlags(commands))}) flag=$word ;;
      *" -"*) ;;
      ${patterns(first.map(({ word }) => ` ${word}`))}) verb=$word ;;
      ${patterns(grouped.map(({ name }) => name))}) verb="$verb $word" ;;
      " "*) verb=run given=1 ;;
      *) given=$((given + 1)) ;;
    esac
  done
}
`;
}

function listFunction(): string {
  const branches = Object.entries(listings).map(
    ([kind, words]) =>
      `    ${kind}) command pullrun \${root:+--root} \${root:+"$root"} ${words} 2>/dev/null ;;\n`,
  );
  return `_pullrun_list() {\n  case $1 in\n${branches.join("")}  esac\n}\n`;
}

function valueFunction(commands: readonly Completion[], dialect: Dialect): string {
  const branches = [...commands, program].flatMap(({ name, flags }) =>
    flags.flatMap((flag) => valueBranch(name, flag, dialect)),
  );
  return `_pullrun_value() {\n  case "$verb $1" in\n${branches.join("")}  esac\n}\n`;
}

interface Offer {
  readonly groups: readonly string[];
  readonly first: readonly Described[];
  readonly dialect: Dialect;
}

function offerFunction(commands: readonly Completion[], { groups, first, dialect }: Offer): string {
  const switches = commands.map(({ name, flags, passThrough }) => {
    const guard = passThrough ? "((given > 0)) || " : "";
    return `    "${name}") ${guard}${dialect.assign("switches", described(flags))} ;;\n`;
  });
  const members = groups.map(
    (group) => `    ${group}:0) ${dialect.assign("candidates", membersOf(commands, group))} ;;\n`,
  );
  return `_pullrun_offer() {
  if [[ -n $flag ]]; then
    _pullrun_value "$flag"
    return
  fi
  if [[ $1 == --*=* ]]; then
    _pullrun_value "\${1%%=*}"
    return
  fi
  case "$verb" in
    "") ${dialect.assign("switches", described(program.flags))} ;;
${switches.join("")}  esac
  if [[ $1 == -* ]]; then return; fi
  case "$verb:$given" in
    :0 | help:0) ${dialect.assign("candidates", first)} ;;
${members.join("")}${commands.flatMap((command) => argumentBranches(command, dialect)).join("")}  esac
}
`;
}
