import type { FileInfo } from "../../api/file-info.js";
import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { fileJson, linkText, nameText } from "../render/files.js";
import { formatJsonList } from "../render/json.js";
import { inPieces } from "../render/pieces.js";
import { parseAtLeast, parsed } from "../values.js";

const slash = 0x2f;

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const [image = "", path = "/"] = args;
  const levels = parsed(flags, "level", parseAtLeast(1)) ?? Infinity;
  const context = await inspectionContext(invocation);
  const { listFiles } = await import("../../api/ls.js");
  const files = await listFiles(context, { image, path, recursive: true });
  const shown = { [Symbol.iterator]: () => upTo(levels, files) };
  const text = flags.on("json") ? formatJsonList(shown, fileJson) : treeLines(path, shown);
  for (const piece of inPieces(text)) invocation.print(piece);
  return 0;
}

function* upTo(levels: number, files: Iterable<FileInfo>): Generator<FileInfo, void> {
  let top: number | undefined;
  for (const info of files) {
    const depth = depthOf(info);
    top ??= depth;
    if (depth - top < levels) yield info;
  }
}

/** The list is in order, each directory right before what is in it. It is gone through twice, as it can be long. */
function* treeLines(path: string, files: Iterable<FileInfo>): Generator<string, void> {
  const depths = Array.from(files, depthOf);
  const isLast = lastOfTheirDirectory(depths);
  const top = depths[0] ?? 0;
  const indents: string[] = [""];
  let [at, directories] = [0, 0];
  yield `${path}\n`;
  for (const info of files) {
    const depth = (depths[at] ?? top) - top;
    const last = isLast[at++] === true;
    const indent = indents[depth] ?? "";
    indents[depth + 1] = `${indent}${last ? "    " : "│   "}`;
    if (info.type === "directory") directories++;
    yield `${indent}${last ? "└── " : "├── "}${entryText(info)}\n`;
  }
  yield `\n${countText(directories, at - directories)}\n`;
}

/** From the end: the first name seen at a depth is the last one there, until a shallower one comes. */
function lastOfTheirDirectory(depths: readonly number[]): boolean[] {
  const seen: boolean[] = [];
  return depths
    .toReversed()
    .map((depth) => {
      seen.length = Math.min(seen.length, depth + 1);
      const isLast = seen[depth] !== true;
      seen[depth] = true;
      return isLast;
    })
    .reverse();
}

function entryText(info: FileInfo): string {
  const { type } = info;
  return nameText(info) + (type === "deleted" || type === "opaque" ? ` (${type})` : linkText(info));
}

function depthOf({ path }: FileInfo): number {
  let depth = 0;
  for (let at = path.indexOf(slash); at >= 0; at = path.indexOf(slash, at + 1)) depth++;
  return depth;
}

function countText(directories: number, others: number): string {
  return `${directories} ${directories === 1 ? "directory" : "directories"}, ${others} ${others === 1 ? "file" : "files"}`;
}
