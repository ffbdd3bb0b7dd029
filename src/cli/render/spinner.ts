import ora from "ora";
import { stderr } from "../output.js";
import type { Spinner } from "./live.js";

/** ora's spinner on stderr: the only thing of ours that moves while there is nothing to count. */
export function createSpinner(): Spinner {
  // discardStdin would put our stdin in raw mode, and it belongs to the container. Whether the terminal can do this has
  // been looked into; ora itself would not believe a terminal in CI.
  const spinner = ora({ stream: stderr(), discardStdin: false, isEnabled: true });
  return {
    say(text) {
      spinner.text = fit(text);
      if (!spinner.isSpinning) spinner.start();
    },
    clear: () => void spinner.stop(),
  };
}

/** Cut to one line: a wrapped spinner line scrolls on every frame. The spinner and a blank take 2 columns, 1 stays free. */
function fit(text: string): string {
  const room = Math.max(1, stderr().columns - 3);
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}
