import type { FileInfo } from "../../api/file-info.js";
import type { ImageReport } from "../../api/report.js";
import { escapeName } from "../render/escape.js";
import { modeText, ownerText } from "../render/files.js";
import { formatPercent, formatSize } from "../render/units.js";
import { column, type Section } from "./document.js";

/** What a report says of the files in an image. */

export function directories({ usage }: ImageReport, rows: number): Section {
  return listed("Largest directories", {
    note: "With all that is below them; hard-linked data counts once.",
    columns: ["number:Size", "number:Files", "code:Directory"],
    rows: usage.directories.map(({ path, files, bytes }) => [
      formatSize(bytes),
      String(files),
      escapeName(path),
    ]),
    limit: rows,
  });
}

export function largestFiles({ files }: ImageReport): Section {
  return listed("Largest files", {
    columns: ["number:Size", "number:Layer", "code:File"],
    rows: files.largest.map(({ path, size, layer }) => [formatSize(size), String(layer), escapeName(path)]),
  });
}

export function waste({ usage }: ImageReport, rows: number): Section {
  const { efficiency, wastedBytes, totalBytes } = usage;
  return listed("Efficiency", {
    note: `${formatPercent(efficiency)}: ${formatSize(wastedBytes)} of ${formatSize(totalBytes)} are data that no container sees.`,
    columns: ["number:Wasted", "number:Layer", "Fate", "code:File"],
    rows: usage.wasted.map(({ path, layer, bytes, fate }) => [
      formatSize(bytes),
      String(layer),
      fate,
      escapeName(path),
    ]),
    none: "",
    limit: rows,
  });
}

export function privileged({ files }: ImageReport, rows: number): Section {
  return listed("Files with privileges", {
    note: "Setuid, setgid, or with capabilities: they start with more rights than who executes them.",
    columns: ["code:Mode", "code:Owner", "code:Capabilities", "code:File"],
    rows: files.privileged.map(({ info, capabilities }) => [
      ...modeAndOwner(info),
      capabilities,
      pathText(info),
    ]),
    limit: rows,
  });
}

export function worldWritable({ files }: ImageReport, rows: number): Section {
  return listed("Writable by everybody", {
    note: "Files, and directories without the sticky bit.",
    columns: ["code:Mode", "code:Owner", "code:File"],
    rows: files.worldWritable.map((info) => [...modeAndOwner(info), pathText(info)]),
    limit: rows,
  });
}

interface Listing {
  readonly note?: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly limit?: number;
  /** What an empty list is said to be. */
  readonly none?: string;
}

/** A section that says `None.` for an empty list, and how many more there are for a long one. */
function listed(
  heading: string,
  { note, columns, rows, limit = rows.length, none = "None." }: Listing,
): Section {
  const rest = rows.length - limit;
  const notes = [note, rows.length === 0 ? none : "", rest > 0 ? `${rest} more with --format json.` : ""];
  const text = notes.filter(Boolean).join(" ");
  return {
    heading,
    ...(text === "" ? {} : { note: text }),
    ...(rows.length === 0 ? {} : { table: { columns: columns.map(column), rows: rows.slice(0, limit) } }),
  };
}

function modeAndOwner(info: FileInfo): [string, string] {
  return [modeText(info), ownerText(info)];
}

function pathText({ path }: FileInfo): string {
  return escapeName(path);
}
