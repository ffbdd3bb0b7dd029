import type { Dialect } from "./branches.js";
import { shellFunctions } from "./shell.js";
import type { Completion } from "./words.js";

const dialect: Dialect = {
  assign: (variable, words) =>
    `${variable}=(${words.map(({ word, description }) => quote(describe(word, description))).join(" ")})`,
  append: (kind) => `candidates+=("\${(@f)$(_pullrun_list ${kind})//:/\\\\:}")`,
};

/** As a file `_pullrun` in $fpath, or sourced after `compinit`. Where nothing fits, files are offered. */
export function zshCompletion(commands: readonly Completion[]): string {
  return `#compdef pullrun
# pullrun completion for zsh
${shellFunctions(commands, dialect)}_pullrun() {
  local verb flag given root
  local -a candidates switches
  _pullrun_scan "\${(@)words[2,CURRENT-1]}"
  _pullrun_offer "$PREFIX"
  if [[ -n $flag || $PREFIX == --*=* ]]; then
    compset -P '--*='
  elif [[ $PREFIX == -* ]]; then
    ((\${#switches})) && _describe -o option switches
    return
  fi
  candidates=(\${candidates:#})
  if ((\${#candidates})); then _describe pullrun candidates; else _files; fi
}
# Autoloaded, this file is the function's first call.
if [[ "\${funcstack[1]}" == _pullrun ]]; then _pullrun "$@"; else compdef _pullrun pullrun; fi
`;
}

/** A colon ends the word and begins its description. */
function describe(word: string, description: string | undefined): string {
  return description === undefined ? word : `${word.replaceAll(":", "\\:")}:${description}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
