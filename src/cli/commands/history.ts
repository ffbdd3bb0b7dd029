import type { HistoryRow } from "../../api/history.js";
import type { Flags, Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { escapeText } from "../render/escape.js";
import { formatJson } from "../render/json.js";
import { shortDigest } from "../render/progress.js";
import { formatTable, truncate } from "../render/table.js";
import { ageOf, dockerTime, formatSize } from "../render/units.js";
import { templateOf } from "../values.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const context = await inspectionContext(invocation);
  const { imageHistory } = await import("../../api/history.js");
  const { rows } = await imageHistory(context, args[0] ?? "");
  invocation.print(await format(rows, flags));
  return 0;
}

async function format(rows: readonly HistoryRow[], flags: Flags): Promise<string> {
  if (flags.on("json")) return formatJson(rows);
  const texts = rows.map((row) => textsOf(row, flags));
  if (flags.on("quiet")) return texts.map(({ ID }) => `${ID}\n`).join("");
  const template = templateOf(flags);
  if (template !== undefined) {
    const { formatRows } = await import("../format.js");
    return formatRows(template, texts, headings);
  }
  return formatTable(
    ["IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT"],
    texts.map(({ ID, CreatedSince, CreatedBy, Size, Comment }) => [
      ID,
      CreatedSince,
      CreatedBy,
      Size,
      Comment,
    ]),
  );
}

const headings = {
  ID: "IMAGE",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  CreatedBy: "CREATED BY",
  Size: "SIZE",
  Comment: "COMMENT",
  Layer: "LAYER",
  DiffID: "DIFF ID",
};
/** Docker's width for the command. */
const commandWidth = 45;

function textsOf(row: HistoryRow, flags: Flags): Record<keyof typeof headings, string> {
  const full = flags.on("no-trunc");
  const command = row.createdBy === undefined ? "<missing>" : escapeText(row.createdBy);
  return {
    ID: row.id === undefined ? "<missing>" : full ? row.id : shortDigest(row.id),
    CreatedSince: ageOf(row.created),
    CreatedAt: dockerTime(row.created),
    CreatedBy: full ? command : truncate(command, commandWidth),
    Size: row.size === undefined ? "N/A" : formatSize(row.size),
    Comment: row.comment ?? "",
    Layer: row.layer === undefined ? "" : String(row.layer),
    DiffID: row.diffId ?? "",
  };
}
