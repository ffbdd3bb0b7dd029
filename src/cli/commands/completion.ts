import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { Invocation } from "../command.js";
import { bashCompletion } from "../completion/bash.js";
import { fishCompletion } from "../completion/fish.js";
import { zshCompletion } from "../completion/zsh.js";
import { completionsOf, type Completion } from "../completion/words.js";
import { commands, groups } from "./table.js";

const shells: ReadonlyMap<string, (commands: readonly Completion[]) => string> = new Map([
  ["bash", bashCompletion],
  ["zsh", zshCompletion],
  ["fish", fishCompletion],
]);

export async function run({ args: [shell = ""], print }: Invocation): Promise<number> {
  const write = shells.get(shell);
  if (write === undefined) {
    throw new UsageError(
      "BAD_VALUE",
      `completion: ${printable(shell, 60)}: unknown (expected bash, zsh or fish)`,
    );
  }
  print(write(completionsOf(commands, groups)));
  return 0;
}
