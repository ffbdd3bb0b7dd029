import { escapeText } from "./escape.js";

const gap = "   ";

/**
 * Columns padded to their widest cell, as docker prints its lists; the last column is not padded. Cells may hold text
 * from images: control characters in them are spelt out.
 */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows.map((row) => row.map(escapeText))];
  const widths = header.map((_, column) =>
    all.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join(gap)
      .trimEnd();
  return `${all.map(line).join("\n")}\n`;
}

/** At most `width` characters, the last one `…` where something was cut. */
export function truncate(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
