import { escapeText } from "../render/escape.js";
import type { Column, Document, DocumentTable, Section } from "./document.js";

/** Markdown with GitHub's tables. What an image wrote is within code, where nothing of Markdown or HTML means anything. */
export function markdownOf({ title, sections }: Document): string {
  return [`# ${code(title)}`, ...sections.map(sectionText)].join("\n\n") + "\n";
}

function sectionText({ heading, note, table }: Section): string {
  const parts = [`## ${heading}`];
  if (note !== undefined) parts.push(note);
  if (table !== undefined) parts.push(tableText(table));
  return parts.join("\n\n");
}

function tableText({ columns, rows }: DocumentTable): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map(({ heading }) => heading)),
    line(columns.map(({ kind }) => (kind === "number" ? "---:" : "---"))),
    ...rows.map((row) => line(row.map((cell, i) => cellText(cell, columns[i])))),
  ].join("\n");
}

function cellText(cell: string, column: Column | undefined): string {
  return column?.kind === "code" ? code(cell) : cell;
}

/**
 * A code span where that can hold the text. Backticks would end it, a pipe the table's cell, and spaces at its ends are
 * lost: those become HTML with every character spelt out that Markdown or HTML could take for its own.
 */
function code(text: string): string {
  const shown = escapeText(text);
  if (shown === "") return "";
  if (!/[`|]|^ | $/.test(shown)) return `\`${shown}\``;
  return `<code>${shown.replace(/^ | $|[^A-Za-z0-9 /(),="-]/gu, (character) => `&#${character.codePointAt(0)};`)}</code>`;
}
