import type { FileInfo } from "../../api/file-info.js";
import type { ImageReport } from "../../api/report.js";
import { escapeName } from "../render/escape.js";
import { modeText } from "../render/files.js";
import { dockerTime, formatPercent, formatSize } from "../render/units.js";
import { column, type Document, type Section } from "./document.js";

/** What people read of a report; lists end after `rows` lines. */
export function documentOf(report: ImageReport, rows: number): Document {
  const { image } = report;
  return {
    title: image.names[0] ?? image.id,
    sections: [
      identity(report),
      configuration(report),
      layers(report),
      history(report),
      directories(report, rows),
      largestFiles(report),
      waste(report, rows),
      privileged(report, rows),
      worldWritable(report, rows),
    ],
  };
}

const facts = [column("What"), column("code:Value")];

function identity({ image, layers, files }: ImageReport): Section {
  const compressed = layers.reduce((sum, { compressedSize }) => sum + compressedSize, 0);
  const counts = Object.entries(files.counts).map(([type, count]) => `${count} ${type}`);
  const rows = [
    ...image.names.map((name) => ["Name", name]),
    ["Image ID", image.id],
    ["Digest", image.digest],
    ["Manifest", image.manifest],
    ["Platform", image.platform],
    ["Created", dockerTime(image.created)],
    ["Author", image.author ?? ""],
    [
      "Size",
      `${formatSize(image.size)} in ${layers.length === 1 ? "1 layer" : `${layers.length} layers`}, ${formatSize(compressed)} compressed`,
    ],
    ["Names in it", counts.join(", ")],
  ];
  return { heading: "Identity", table: { columns: facts, rows: rows.filter(([, value]) => value !== "") } };
}

function configuration({ config }: ImageReport): Section {
  const words = (list: readonly string[]): string[] => (list.length === 0 ? [] : [JSON.stringify(list)]);
  const rows = [
    ...words(config.entrypoint).map((text) => ["Entrypoint", text]),
    ...words(config.cmd).map((text) => ["Command", text]),
    ["Working directory", config.workingDir],
    ["User", config.user === "" ? "root" : config.user],
    ["Stop signal", config.stopSignal ?? ""],
    ...config.exposedPorts.map((port) => ["Port", port]),
    ...config.volumes.map((volume) => ["Volume", volume]),
    ...config.env.map((name) => ["Variable", name]),
    ...Object.entries(config.labels).map(([key, value]) => ["Label", `${key}=${value}`]),
  ];
  return {
    heading: "Configuration",
    note: "Variables without their values, which may be secrets.",
    table: { columns: facts, rows: rows.filter(([, value]) => value !== "") },
  };
}

function layers({ layers, usage }: ImageReport): Section {
  const columns = ["number:Layer", "number:Compressed", "number:Size", "number:Files", "number:Wasted"];
  const texts = ["code:Created by", "code:Digest", "code:DiffID", "code:Shared by"];
  return {
    heading: "Layers",
    note: "From the bottom up.",
    table: {
      columns: [...columns, ...texts].map(column),
      rows: layers.map((layer, i) => [
        String(layer.layer),
        formatSize(layer.compressedSize),
        formatSize(layer.size),
        String(layer.files),
        formatSize(usage.layers[i]?.wastedBytes ?? 0),
        layer.createdBy ?? "",
        layer.digest,
        layer.diffId,
        layer.sharedWith.join(", "),
      ]),
    },
  };
}

function history({ history }: ImageReport): Section {
  if (history.length === 0) return { heading: "History", note: "The image does not tell." };
  const rows = history.map(({ created, createdBy, comment, layer, size }) => [
    dockerTime(created),
    layer === undefined ? "" : String(layer),
    size === undefined ? "" : formatSize(size),
    createdBy ?? "",
    comment ?? "",
  ]);
  const columns = ["code:Created", "number:Layer", "number:Size", "code:Created by", "code:Comment"];
  return { heading: "History", note: "Newest step first.", table: { columns: columns.map(column), rows } };
}

function directories({ usage }: ImageReport, rows: number): Section {
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

function largestFiles({ files }: ImageReport): Section {
  return listed("Largest files", {
    columns: ["number:Size", "number:Layer", "code:File"],
    rows: files.largest.map(({ path, size, layer }) => [formatSize(size), String(layer), escapeName(path)]),
  });
}

function waste({ usage }: ImageReport, rows: number): Section {
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

function privileged({ files }: ImageReport, rows: number): Section {
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

function worldWritable({ files }: ImageReport, rows: number): Section {
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
  const { attributes } = info;
  return [modeText(info), attributes === undefined ? "" : `${attributes.uid}:${attributes.gid}`];
}

function pathText({ path }: FileInfo): string {
  return escapeName(path);
}
