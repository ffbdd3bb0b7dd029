import type { Board } from "./board.js";
import { plainLine, standingLine, summaryLine, type Progress } from "./lines.js";

export interface PlainOptions {
  readonly board: Board;
  /** Milliseconds, steady. */
  clock(): number;
  print(line: string): void;
}

const standingMs = 10_000;

/** For logs: a line when a layer's state changes, one every 10 s in between, no escape codes. */
export function startPlain({ board, clock, print }: PlainOptions): Progress {
  const states = new Map<string, string>();
  let pulled = false;
  let stopped = false;
  const timer = setInterval(() => {
    const totals = board.totals(clock());
    if (totals.finished < totals.layers) print(standingLine(totals));
  }, standingMs).unref();

  function isNews(digest: string, state: string): boolean {
    if (states.get(digest) === state) return false;
    states.set(digest, state);
    return true;
  }

  return {
    emit(event) {
      board.apply(event, clock());
      if (event.type === "layer" && !isNews(event.digest, event.state)) return;
      pulled ||= event.type === "pulled";
      const line = plainLine(event);
      if (line !== undefined) print(line);
    },
    stop() {
      clearInterval(timer);
      if (pulled && !stopped) print(summaryLine(board.totals(clock())));
      stopped = true;
    },
  };
}
