import type { Help } from "commander";

/** Below this many columns an option and its description do not fit beside each other. */
const twoColumns = 60;
/** Longer options have a line of their own, so that they leave the descriptions of all others their room. */
const widestTerm = 0.4;
const indent = "  ";
/** From the left: further in than where an option's own long line goes on. */
const descriptionIndent = " ".repeat(6);
const longTermIndent = " ".repeat(4);

/** How commander lays out help, where its own way is to leave lines to the terminal, which breaks them within words. */
export const helpLayout: Pick<Help, "formatItem" | "boxWrap" | "styleUsage"> = {
  formatItem(this: Help, term, termWidth, description) {
    const width = this.helpWidth ?? Infinity;
    return width < twoColumns
      ? stacked(term, description, width)
      : besides(term, description, { width, column: Math.min(termWidth, Math.floor(width * widestTerm)) });
  },
  boxWrap(text, width) {
    return text
      .split("\n")
      .flatMap((line) => wrap(line, width))
      .join("\n");
  },
  styleUsage(this: Help, usage) {
    const margin = " ".repeat("Usage: ".length);
    const lines = usage
      .split("\n")
      .flatMap((line) => wrap(line.trim(), (this.helpWidth ?? 80) - margin.length));
    return lines.join(`\n${margin}`);
  },
};

function stacked(term: string, description: string, width: number): string {
  const [first = "", ...more] = wrap(term, width - longTermIndent.length);
  const lines = wrap(description, width - descriptionIndent.length);
  return [
    indent + first,
    ...more.map((line) => longTermIndent + line),
    ...lines.map((line) => descriptionIndent + line),
  ].join("\n");
}

function besides(
  term: string,
  description: string,
  { width, column }: { readonly width: number; readonly column: number },
): string {
  const margin = " ".repeat(column + 2 * indent.length);
  const [first = "", ...more] = wrap(description, width - margin.length);
  const begin =
    term.length <= column || first === ""
      ? indent + term.padEnd(first === "" ? 0 : column) + (first === "" ? "" : indent)
      : `${indent}${term}\n${margin}`;
  return [begin + first, ...more.map((line) => margin + line)].join("\n");
}

/** Lines of at most `width` characters. Only what is longer than a line is broken within. */
export function wrap(text: string, width: number): string[] {
  const room = Math.max(1, width);
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ").flatMap((long) => pieces(long, room))) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (longer.length > room) lines.push(line);
    line = longer.length > room ? word : longer;
  }
  return line === "" ? lines : [...lines, line];
}

/** Broken after a mark where there is one: `type=,source=,` and not `type=,sour`. */
function pieces(word: string, room: number): string[] {
  if (word.length <= room) return [word];
  const mark = Math.max(...[",", "|", "/", ":"].map((one) => word.lastIndexOf(one, room - 1)));
  const end = mark < 0 ? room : mark + 1;
  return [word.slice(0, end), ...pieces(word.slice(end), room)];
}
