import type { PullEvent } from "../../core/events.js";
import type { Board } from "./board.js";
import { hideCursor } from "./cursor.js";
import { frame } from "./frame.js";
import { resolvedLine, summaryLine, warningLine, type Progress } from "./lines.js";
import { createScreen, type Terminal } from "./screen.js";

/** One line with something moving in front, for waits that have no measure. */
export interface Spinner {
  say(text: string): void;
  clear(): void;
}

export interface LiveOptions {
  readonly terminal: Terminal;
  readonly unicode: boolean;
  readonly board: Board;
  readonly spinner: Spinner;
  /** Milliseconds, steady. */
  clock(): number;
}

const frameMs = 100;

/**
 * On a terminal: a spinner while names are resolved and root file systems built, a row per layer in between. What
 * stays at the end is a line per image and one for all of it.
 */
export function startLive(options: LiveOptions): Progress {
  const { board, spinner, clock } = options;
  const rows = createRows(options, stop);
  let pulled = 0;
  let stopped = false;

  function keep(line: string): void {
    if (!rows.shown()) spinner.clear();
    rows.above(line);
  }

  function stop(): void {
    if (stopped) return;
    stopped = true;
    rows.end();
    spinner.clear();
    if (pulled > 0) rows.above(summaryLine(board.totals(clock())));
  }

  function show(event: PullEvent): void {
    switch (event.type) {
      case "resolving":
        return spinner.say(`resolving ${event.reference}`);
      case "resolved":
        return keep(resolvedLine(event));
      case "layer":
        if (!rows.shown()) spinner.clear();
        return rows.begin();
      case "retry":
        // That of a layer is in its row.
        if (!rows.shown()) spinner.say(`${event.what}: ${event.code.toLowerCase()}, trying again`);
        return;
      case "rootfs":
        rows.end();
        if (event.state === "building") spinner.say("building the root file system");
        return;
      case "pulled":
        pulled += 1;
        return rows.end();
      case "warning":
        return keep(warningLine(event) ?? "");
    }
  }

  return {
    emit(event) {
      if (stopped) return;
      board.apply(event, clock());
      show(event);
    },
    stop,
  };
}

/** The rows, drawn ten times a second while they are shown. */
interface Rows {
  shown(): boolean;
  begin(): void;
  end(): void;
  above(line: string): void;
}

function createRows({ terminal, unicode, board, clock }: LiveOptions, leave: () => void): Rows {
  const screen = createScreen(terminal);
  let drawing: { readonly timer: NodeJS.Timeout; showCursor(): void } | undefined;
  const draw = (): void => {
    const { columns, rows } = terminal;
    screen.draw(frame(board, { columns, rows, unicode, now: clock() }));
  };
  return {
    shown: () => drawing !== undefined,
    begin() {
      if (drawing !== undefined) return;
      drawing = { showCursor: hideCursor(terminal, leave), timer: setInterval(draw, frameMs) };
      terminal.on("resize", draw);
      draw();
    },
    end() {
      if (drawing === undefined) return;
      const { timer, showCursor } = drawing;
      drawing = undefined;
      clearInterval(timer);
      terminal.off("resize", draw);
      screen.erase();
      showCursor();
    },
    above: (line) => screen.above(line),
  };
}
