import { formatJson } from "./render/json.js";
import { formatTable } from "./render/table.js";
import { evaluateTemplate } from "./template/evaluate.js";
import { parseTemplate } from "./template/parse.js";

/**
 * What `--format` makes of one value: a Go template as docker's (fields, `json`, `join`, `index`, `range`, `if`, …),
 * or just `json`. @throws UsageError BAD_VALUE
 */
export function formatValue(format: string, value: unknown): string {
  return formatLines(format, [value]);
}

/** A template is read before there is a row: a wrong one is an error whatever is listed. */
function formatLines(format: string, rows: readonly unknown[]): string {
  if (format === "json") return rows.map((row) => formatJson(row, 0)).join("");
  const template = parseTemplate(format);
  return rows.map((row) => `${evaluateTemplate(template, row)}\n`).join("");
}

/**
 * What `--format` makes of a list: a line per row, or with `table TEMPLATE` columns (separated by `\t` in the template)
 * under headings. `headings` has the words for every field a template may name.
 */
export function formatRows(
  format: string,
  rows: readonly object[],
  headings: Readonly<Record<string, string>>,
): string {
  const match = /^table\s+([^]*)$/.exec(format);
  if (match === null) return formatLines(format, rows);
  const template = parseTemplate(match[1] ?? "");
  const columns = (value: object): string[] => evaluateTemplate(template, value).split("\t");
  return formatTable(columns(headings), rows.map(columns));
}
