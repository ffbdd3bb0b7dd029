/** A terminal, as far as redrawing needs one: `process.stderr`, or a test's. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  write(text: string): unknown;
  on(event: "resize", listener: () => void): unknown;
  off(event: "resize", listener: () => void): unknown;
}

/** Lines at the bottom of the terminal that are drawn over and over. */
export interface Screen {
  draw(lines: readonly string[]): void;
  /** Writes a line that stays, above the region. */
  above(line: string): void;
  erase(): void;
}

const eraseBelow = "\u001b[J";

export function createScreen(terminal: Terminal): Screen {
  let drawn: readonly string[] = [];

  /** To the first column of the first drawn line. */
  function home(): string {
    if (drawn.length === 0) return "\r";
    // Made narrower, a terminal wraps what is there: each line may take several rows now.
    const columns = Math.max(1, terminal.columns);
    const height = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
    const up = Math.min(height, Math.max(1, terminal.rows - 1));
    return `\r\u001b[${up}A`;
  }

  return {
    draw(lines) {
      // One write, so that no half frame is ever seen.
      terminal.write(`${home()}${eraseBelow}${lines.map((line) => `${line}\n`).join("")}`);
      drawn = lines;
    },
    above(line) {
      terminal.write(`${home()}${eraseBelow}${line}\n${drawn.map((text) => `${text}\n`).join("")}`);
    },
    erase() {
      if (drawn.length > 0) terminal.write(`${home()}${eraseBelow}`);
      drawn = [];
    },
  };
}
