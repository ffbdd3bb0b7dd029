import type { Dialect } from "./branches.js";
import { shellFunctions } from "./shell.js";
import type { Completion } from "./words.js";

const dialect: Dialect = {
  assign: (variable, words) => `${variable}="${words.map(({ word }) => word).join(" ")}"`,
  append: (kind) => `candidates+=" $(_pullrun_list ${kind})"`,
};

/** Where nothing fits, files are offered. */
export function bashCompletion(commands: readonly Completion[]): string {
  return `# pullrun completion for bash
${shellFunctions(commands, dialect)}_pullrun() {
  # Not COMP_WORDS: there \`alpine:3\` is three words.
  local line="\${COMP_LINE:0:COMP_POINT}" cur verb flag given root candidates="" switches=""
  local -a typed
  read -ra typed <<<"$line"
  if [[ "$line" == *[[:space:]] ]]; then typed+=(""); fi
  cur="\${typed[\${#typed[@]} - 1]}"
  _pullrun_scan "\${typed[@]:1:\${#typed[@]} - 2}"
  _pullrun_offer "$cur"
  if [[ "$cur" == --*=* ]]; then cur="\${cur#*=}"; fi
  if [[ "$cur" == -* ]]; then candidates="$switches"; fi
  COMPREPLY=($(compgen -W "$candidates" -- "$cur"))
  # What readline replaces is what follows the last colon.
  if [[ "$cur" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then
    COMPREPLY=("\${COMPREPLY[@]#"\${cur%"\${cur##*:}"}"}")
  fi
}
complete -o default -F _pullrun pullrun
`;
}
