import type { ImageReport } from "../../api/report.js";
import { dockerTime, formatSize } from "../render/units.js";
import { column, type Document, type Section } from "./document.js";
import { directories, largestFiles, privileged, waste, worldWritable } from "./file-sections.js";

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
