import type { FileInfo } from "../../api/file-info.js";
import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { escapeName } from "../render/escape.js";
import { fileJson, linkText, modeText, nameText, ownerText, sizeText, timeText } from "../render/files.js";
import { formatJsonList } from "../render/json.js";
import { inPieces } from "../render/pieces.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const context = await inspectionContext(invocation);
  const { listFiles } = await import("../../api/ls.js");
  const [image = "", path = "/"] = args;
  const recursive = flags.on("recursive");
  const files = await listFiles(context, { image, path, recursive });
  const shownName = recursive ? fullName : nameText;
  const text = flags.on("json")
    ? formatJsonList(files, fileJson)
    : flags.on("long")
      ? longLines(files, shownName)
      : shortLines(files, shownName);
  for (const piece of inPieces(text)) invocation.print(piece);
  return 0;
}

function* shortLines(files: Iterable<FileInfo>, shownName: (info: FileInfo) => string) {
  for (const info of files) yield `${shownName(info)}${suffix(info)}\n`;
}

/** In the short listing only what would mislead is marked: names that a layer takes away. */
function suffix({ type }: FileInfo): string {
  return type === "deleted" ? " (deleted)" : type === "opaque" ? " (all below deleted)" : "";
}

/** Goes through the list twice, as it can be long: for how wide the columns are, and for the lines. */
function* longLines(files: Iterable<FileInfo>, shownName: (info: FileInfo) => string) {
  let [ownerWidth, sizeWidth] = [0, 0];
  for (const info of files) {
    ownerWidth = Math.max(ownerWidth, ownerText(info).length);
    sizeWidth = Math.max(sizeWidth, sizeText(info).length);
  }
  for (const info of files) {
    const columns = `${ownerText(info).padEnd(ownerWidth)} ${sizeText(info).padStart(sizeWidth)}`;
    const time = info.attributes === undefined ? "-" : timeText(info.attributes.mtime);
    yield `${modeText(info)} ${columns} ${time.padEnd(timeWidth)} ${shownName(info)}${linkText(info)}\n`;
  }
}

/** `2024-05-22 09:48:31` */
const timeWidth = 19;

function fullName({ path }: FileInfo): string {
  return escapeName(path);
}
