import type { FileInfo } from "../../api/file-info.js";
import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { escapeName } from "../render/escape.js";
import { fileJson, longColumns } from "../render/files.js";
import { formatJson } from "../render/json.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const context = await inspectionContext(invocation);
  const { listFiles } = await import("../../api/ls.js");
  const [image = "", path = "/"] = args;
  const recursive = flags.on("recursive");
  const files = await listFiles(context, { image, path, recursive });
  if (flags.on("json")) invocation.print(formatJson(files.map(fileJson), 0));
  else invocation.print(format(files, { long: flags.on("long"), fullPath: recursive }));
  return 0;
}

function format(
  files: readonly FileInfo[],
  { long, fullPath }: { readonly long: boolean; readonly fullPath: boolean },
): string {
  const named = files.map((info) => ({ info, name: nameOf(info, fullPath) }));
  if (!long) return named.map(({ info, name }) => `${name}${suffix(info)}\n`).join("");
  const rows = named.map(({ info, name }) => longColumns(info, name));
  const width = (column: 1 | 2 | 3): number =>
    rows.reduce((widest, row) => Math.max(widest, row[column].length), 0);
  const [owner, size, time] = [width(1), width(2), width(3)];
  return rows
    .map(
      (row) =>
        `${row[0]} ${row[1].padEnd(owner)} ${row[2].padStart(size)} ${row[3].padEnd(time)} ${row[4]}\n`,
    )
    .join("");
}

/** In the short listing only what would mislead is marked: names that a layer takes away. */
function suffix({ type }: FileInfo): string {
  return type === "deleted" ? " (deleted)" : type === "opaque" ? " (all below deleted)" : "";
}

function nameOf({ path }: FileInfo, fullPath: boolean): string {
  return escapeName(fullPath ? path : path.subarray(path.lastIndexOf(0x2f) + 1));
}
