import { escapeText } from "../render/escape.js";
import type { Document, DocumentTable, Section } from "./document.js";

/** One file that needs no other: no script, no picture, no address. A browser is told to hold it to that. */
export function htmlOf({ title, sections }: Document): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>${escape(title)}</title>
<style>${style}</style>
</head>
<body>
<h1><code>${escape(title)}</code></h1>
${sections.map(sectionHtml).join("\n")}
</body>
</html>
`;
}

const style = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 75rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin-top: 2.5rem }
div { overflow-x: auto }
table { border-collapse: collapse }
th, td { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #8884 }
.number { text-align: right; white-space: nowrap }
code { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
`;

function sectionHtml({ heading, note, table }: Section): string {
  const said = note === undefined ? "" : `<p>${escape(note)}</p>\n`;
  return `<h2>${escape(heading)}</h2>\n${said}${table === undefined ? "" : tableHtml(table)}`;
}

function tableHtml({ columns, rows }: DocumentTable): string {
  const line = (tag: "th" | "td", cells: readonly string[]): string =>
    `<tr>${cells.map((cell, i) => `<${tag}${columns[i]?.kind === "number" ? ' class="number"' : ""}>${cell}</${tag}>`).join("")}</tr>`;
  const body = rows.map((row) =>
    line(
      "td",
      row.map((cell, i) => (columns[i]?.kind === "code" ? `<code>${escape(cell)}</code>` : escape(cell))),
    ),
  );
  const head = line(
    "th",
    columns.map(({ heading }) => escape(heading)),
  );
  return `<div><table>\n${[head, ...body].join("\n")}\n</table></div>`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return escapeText(text).replace(/[&<>"']/g, (character) => entities[character] ?? "");
}
