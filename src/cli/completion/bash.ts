import { programFlags, type CompletedFlag, type Completion } from "./words.js";

/** Also what zsh's bashcompinit takes. Where nothing fits, files are offered. */
export function bashCompletion(commands: readonly Completion[]): string {
  const groups = [...new Set(commands.map(groupOf).filter((group) => group !== undefined))];
  const first = [
    ...commands.map(({ name }) => name).filter((name) => !name.includes(" ")),
    ...groups,
    "help",
  ];
  return `# pullrun completion, for bash and for zsh with bashcompinit
_pullrun() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" command="" word flags="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$command/$word" in
      /--root | /--rootfs-driver) ((i++)) ;;
      /-*) ;;
      ${groups.map((group) => `${group}/[a-z]*`).join(" | ")}) command="$command $word" ;;
      /*) command="$word" ;;
    esac
  done
  case "$command" in
    "") flags="${wordsOf(programFlags)}" words="${first.join(" ")}" ;;
    help) words="${first.join(" ")}" ;;
${groups.map((group) => `    ${group}) words="${membersOf(commands, group).join(" ")}" ;;\n`).join("")}${commands.map(branch).join("")}  esac
  if [[ "$cur" == -* ]]; then words="$flags"; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _pullrun pullrun
`;
}

const listings = {
  image: "$(pullrun images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null)",
  container: "$(pullrun ps -a --format '{{.Names}}' 2>/dev/null)",
  other: "",
} as const;

function branch({ name, flags, takes }: Completion): string {
  const words = listings[takes];
  return `    "${name}") flags="${wordsOf(flags)}"${words === "" ? "" : ` words="${words}"`} ;;\n`;
}

function wordsOf(flags: readonly CompletedFlag[]): string {
  return flags
    .flatMap(({ short, long }) => [...(short === undefined ? [] : [`-${short}`]), `--${long}`])
    .join(" ");
}

function groupOf({ name }: Completion): string | undefined {
  return name.includes(" ") ? name.split(" ")[0] : undefined;
}

function membersOf(commands: readonly Completion[], group: string): string[] {
  return commands.flatMap(({ name }) => (name.startsWith(`${group} `) ? [name.slice(group.length + 1)] : []));
}

export function zshCompletion(commands: readonly Completion[]): string {
  return `#compdef pullrun
autoload -U +X bashcompinit && bashcompinit
${bashCompletion(commands)}`;
}
