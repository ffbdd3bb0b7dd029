import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { demoLayout, pullrun, pullrunPath } from "../support/cli.js";
import { missing, mustRun } from "../support/tools.js";

/** What the three shells offer for a line that ends at the cursor, with our scripts in the shells themselves. */
let root: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  const home = (await mustRun("mktemp", ["-d"])).trim();
  root = path.join(home, "store");
  for (const name of ["hello-world", "probe"])
    await pullrun(["pull", "-q", `oci:${demoLayout}:pullrun/${name}:latest`], { root });
  await pullrun(["volume", "create", "data"], { root });
  await pullrun(["create", "--name", "box", "pullrun/hello-world"], { root });
  for (const shell of shells) {
    const { stdout } = await pullrun(["completion", shell]);
    writeFileSync(path.join(home, `completion.${shell}`), stdout);
  }
  env = {
    PATH: `${path.dirname(pullrunPath)}:${process.env["PATH"] ?? ""}`,
    HOME: home,
    PULLRUN_ROOT: root,
    LC_ALL: "C.UTF-8",
    TERM: "dumb",
  };
  writeFileSync(path.join(home, "capture.zsh"), capture);
  return () => mustRun("rm", ["-rf", home]);
});

const shells = ["bash", "zsh", "fish"] as const;
type Shell = (typeof shells)[number];

/** Each prints what it offers, a line each; what zsh and fish say of it comes after a tab. */
const askers: Readonly<Record<Shell, string>> = {
  bash: `. ~/completion.bash; COMP_LINE=$1 COMP_POINT=\${#1}; _pullrun; printf '%s\\n' "\${COMPREPLY[@]}"`,
  // At a terminal of its own, which ends with its first completion; every word that is offered goes to a file on the way.
  zsh: `zmodload zsh/zpty
: >~/offered
zpty shell zsh -f -i
zpty -w shell "PS1=; autoload -U compinit; compinit -u -d ~/.zcompdump; . ~/completion.zsh; . ~/capture.zsh"
zpty -r shell line "*READY*"
zpty -w -n shell "$1"$'\\t'
while zpty -r shell line; do :; done
cat ~/offered`,
  fish: `source ~/completion.fish; complete -C $argv[1]`,
};

/** With -O, -A or -D, compadd adds nothing: _describe asks what fits. */
const capture = `compadd() {
  if [[ " \${@[1,(i)(-|--)]} " == *" -"[OAD]" "* ]]; then builtin compadd "$@"; return; fi
  local -a fitting; builtin compadd -O fitting "$@"
  print -rl -- $fitting >>~/offered
}
comppostfuncs=(exit)
bindkey '^I' complete-word
print READ""Y
`;

function offered(shell: Shell, line: string): string[] {
  const args =
    shell === "fish" ? ["--no-config", "-c", askers.fish, line] : ["-c", askers[shell], shell, line];
  const { stdout, stderr } = spawnSync(shell, args, {
    env,
    cwd: env["HOME"],
    encoding: "utf8",
    timeout: 60_000,
  });
  expect(stderr).toBe("");
  const words = stdout.split("\n").map((text) => text.split("\t")[0] ?? "");
  return [...new Set(words.filter((word) => word !== ""))].sort();
}

describe.each(shells)("completion for %s", (shell) => {
  const needs = missing(shell);
  const asks = test.skipIf(needs !== "");

  asks(`${needs}offers commands, and those of two words`, () => {
    expect(offered(shell, "pullrun imag")).toEqual(["images"]);
    expect(offered(shell, "pullrun --root /x volume i")).toEqual(["inspect"]);
    expect(offered(shell, "pullrun help vol")).toEqual(["volume"]);
    expect(offered(shell, "pullrun completion ")).toEqual(["bash", "fish", "zsh"]);
  });

  asks(`${needs}offers a command's flags, and none behind the image, where they are the container's`, () => {
    expect(offered(shell, "pullrun run --entry")).toEqual(["--entrypoint"]);
    expect(offered(shell, "pullrun volume ls --f")).toEqual(["--filter", "--format"]);
    expect(offered(shell, "pullrun run -e A=b pullrun/probe --entry")).toEqual([]);
    expect(offered(shell, "pullrun pullrun/probe ls --entry")).toEqual([]);
  });

  asks(`${needs}offers a flag's values`, () => {
    expect(offered(shell, "pullrun pull --progress t")).toEqual(["tty"]);
    expect(offered(shell, "pullrun --rootfs-driver e")).toEqual(["erofs"]);
    expect(offered(shell, "pullrun run -v da")).toEqual(["data"]);
  });

  asks(`${needs}offers images with their tags, also behind flags with values`, () => {
    expect(offered(shell, "pullrun run pullrun/pro")).toEqual(["pullrun/probe:latest"]);
    expect(offered(shell, "pullrun run -e A=b --name x pullrun/pro")).toEqual(["pullrun/probe:latest"]);
    expect(offered(shell, "pullrun rmi pullrun/probe pullrun/he")).toEqual(["pullrun/hello-world:latest"]);
  });

  asks(`${needs}offers containers and volumes, of the store that --root names`, () => {
    expect(offered(shell, "pullrun start b")).toEqual(["box"]);
    expect(offered(shell, "pullrun volume rm d")).toEqual(["data"]);
    expect(offered(shell, `pullrun --root ${root}-none volume rm d`)).toEqual([]);
  });
});
