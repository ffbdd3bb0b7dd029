import type { FileInfo } from "../../api/file-info.js";
import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { escapeName } from "../render/escape.js";
import { fileJson } from "../render/files.js";
import { formatJson } from "../render/json.js";
import { parseAtLeast, parsed } from "../values.js";

const slash = 0x2f;

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const [image = "", path = "/"] = args;
  const depth = parsed(flags, "level", parseAtLeast(1)) ?? Infinity;
  const context = await inspectionContext(invocation);
  const { listFiles } = await import("../../api/ls.js");
  const files = await listFiles(context, { image, path, recursive: true });
  const top = depthOf(files[0]?.path ?? Buffer.alloc(0));
  const shown = files.filter((info) => depthOf(info.path) - top < depth);
  if (flags.on("json")) invocation.print(formatJson(shown.map(fileJson), 0));
  else invocation.print(`${path}\n${drawTree(shown)}\n${countText(shown)}\n`);
  return 0;
}

/** The list is in order, each directory right before what is in it. */
function drawTree(files: readonly FileInfo[]): string {
  const isLast = lastOfTheirDirectory(files);
  const open: boolean[] = [];
  const lines = files.map((info, i) => {
    const depth = depthOf(info.path) - depthOf(files[0]?.path ?? info.path);
    open.length = depth;
    const indent = open.map((last) => (last ? "    " : "│   ")).join("");
    open.push(isLast[i] === true);
    return `${indent}${isLast[i] === true ? "└── " : "├── "}${nameText(info)}\n`;
  });
  return lines.join("");
}

/** From the end: the first name seen at a depth is the last one there, until a shallower one comes. */
function lastOfTheirDirectory(files: readonly FileInfo[]): boolean[] {
  const seen: boolean[] = [];
  return files
    .map(({ path }) => depthOf(path))
    .reverse()
    .map((depth) => {
      seen.length = Math.min(seen.length, depth + 1);
      const isLast = seen[depth] !== true;
      seen[depth] = true;
      return isLast;
    })
    .reverse();
}

function nameText({ path, type, target }: FileInfo): string {
  const name = escapeName(path.subarray(path.lastIndexOf(slash) + 1));
  if (target !== undefined) return `${name} ${type === "hardlink" ? "=" : "->"} ${escapeName(target)}`;
  return type === "deleted" || type === "opaque" ? `${name} (${type})` : name;
}

function depthOf(path: Buffer): number {
  let depth = 0;
  for (const byte of path) if (byte === slash) depth++;
  return depth;
}

function countText(files: readonly FileInfo[]): string {
  const directories = files.filter(({ type }) => type === "directory").length;
  const others = files.length - directories;
  return `${directories} ${directories === 1 ? "directory" : "directories"}, ${others} ${others === 1 ? "file" : "files"}`;
}
