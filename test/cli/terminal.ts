import type { Terminal } from "../../src/cli/render/screen.js";

/** A terminal in memory: as much of a VT100 as redrawing uses, with wrapping at the last column. */
export interface FakeTerminal extends Terminal {
  resize(columns: number, rows: number): void;
  /** What is on it and above it, top to bottom, without trailing blanks. */
  text(): string[];
  /** Everything written. */
  readonly written: string[];
  readonly cursorShown: boolean;
}

export function fakeTerminal(columns: number, rows: number): FakeTerminal {
  const listeners = new Set<() => void>();
  const written: string[] = [];
  // Unwrapped lines, so that a new width can wrap them anew; the cursor is a line and a column of it.
  const lines: string[] = [""];
  let size = { columns, rows };
  let row = 0;
  let column = 0;
  let cursorShown = true;

  const heightOf = (line: string): number => Math.max(1, Math.ceil(line.length / size.columns));

  /** Up by rows of the screen, which are more than lines where lines wrap. */
  function up(count: number): void {
    let left = count - (Math.ceil((column + 1) / size.columns) - 1);
    while (left > 0 && row > 0) left -= heightOf(lines[--row] ?? "");
    column = 0;
  }

  function put(text: string): void {
    const line = (lines[row] ?? "").padEnd(column);
    lines[row] = line.slice(0, column) + text + line.slice(column + text.length);
    column += text.length;
  }

  function control(sequence: string): void {
    const match = /^\u001b\[(\??\d*)([A-Za-z])$/.exec(sequence);
    const [, number = "", letter] = match ?? [];
    if (letter === "A") up(Number(number));
    else if (letter === "J") {
      lines[row] = (lines[row] ?? "").slice(0, column);
      lines.length = row + 1;
    } else if (number === "?25") cursorShown = letter === "h";
    else throw new Error(`the terminal does not know ${JSON.stringify(sequence)}`);
  }

  return {
    get columns() {
      return size.columns;
    },
    get rows() {
      return size.rows;
    },
    get cursorShown() {
      return cursorShown;
    },
    written,
    write(text) {
      written.push(text);
      for (const part of text.match(/\u001b\[\??\d*[A-Za-z]|[\r\n]|[^\u001b\r\n]+/g) ?? []) {
        if (part === "\r") column = 0;
        else if (part === "\n") {
          row += 1;
          column = 0;
          lines[row] ??= "";
        } else if (part.startsWith("\u001b")) control(part);
        else put(part);
      }
    },
    on: (_, listener) => listeners.add(listener),
    off: (_, listener) => listeners.delete(listener),
    resize(newColumns, newRows) {
      size = { columns: newColumns, rows: newRows };
      for (const listener of listeners) listener();
    },
    text: () => lines.map((line) => line.trimEnd()),
  };
}
