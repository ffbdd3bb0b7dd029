import { liveTerminal, type Env } from "../env.js";
import { stderr } from "../output.js";
import { createBoard } from "./board.js";
import { startEventLines } from "./event-lines.js";
import { warningLine, type Progress } from "./lines.js";
import { startPlain } from "./plain.js";

export { shortDigest } from "./digest.js";
export { warningLine, type Progress } from "./lines.js";

export interface ProgressOptions {
  /** Warnings only, whatever the mode. */
  readonly quiet: boolean;
  /**
   * `auto` (rows that move on a terminal, lines in a log), `tty`, `plain`, `json`, `none`; `quiet` is docker's word for
   * the last.
   */
  readonly mode?: string | undefined;
}

/** `tty` where nothing can be redrawn (no terminal, or one of 0 columns) is `plain`. */
export async function startProgress(env: Env, { quiet, mode = "auto" }: ProgressOptions): Promise<Progress> {
  const clock = (): number => performance.now();
  const print = (line: string): void => void stderr().write(`${line}\n`);
  if (quiet || mode === "none" || mode === "quiet") return warningsOnly(print);
  if (mode === "json") return startEventLines({ clock, print });
  const board = createBoard();
  const live = liveTerminal(env, { despiteCi: mode === "tty" });
  if (mode === "plain" || !live) return startPlain({ board, clock, print });
  const [{ startLive }, { createSpinner }] = await Promise.all([import("./live.js"), import("./spinner.js")]);
  const terminal = stderr();
  return startLive({ terminal, unicode: env.unicode, board, spinner: createSpinner(), clock });
}

function warningsOnly(print: (line: string) => void): Progress {
  return {
    emit(event) {
      const line = warningLine(event);
      if (line !== undefined) print(line);
    },
    stop: () => undefined,
  };
}
