import type { LayerInfo } from "../../api/layers.js";
import type { Flags, Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { escapeText } from "../render/escape.js";
import { formatJson } from "../render/json.js";
import { shortDigest } from "../render/progress.js";
import { formatTable, truncate } from "../render/table.js";
import { formatSize } from "../render/units.js";
import { templateOf } from "../values.js";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const context = await inspectionContext(invocation);
  const { listLayers } = await import("../../api/layers.js");
  const layers = await listLayers(context, args[0] ?? "");
  invocation.print(await format(layers, flags));
  return 0;
}

async function format(layers: readonly LayerInfo[], flags: Flags): Promise<string> {
  if (flags.on("json")) return formatJson(layers);
  if (flags.on("quiet")) return layers.map(({ digest }) => `${digest}\n`).join("");
  const rows = layers.map((layer) => textsOf(layer, flags));
  const template = templateOf(flags);
  if (template !== undefined) {
    const { formatRows } = await import("../format.js");
    return formatRows(template, rows, headings);
  }
  return formatTable(
    Object.values(headings),
    rows.map((row) => Object.values(row)),
  );
}

const headings = {
  Layer: "LAYER",
  Digest: "DIGEST",
  DiffID: "DIFF ID",
  CompressedSize: "COMPRESSED",
  Size: "SIZE",
  Files: "FILES",
  Shared: "SHARED",
  CreatedBy: "CREATED BY",
};
const commandWidth = 45;

/** In the order of the headings. */
function textsOf(layer: LayerInfo, flags: Flags): Record<keyof typeof headings, string> {
  const full = flags.on("no-trunc");
  const digest = (text: string): string => (full ? text : shortDigest(text));
  const command = escapeText(layer.createdBy ?? "<missing>");
  const shared = layer.sharedWith.length;
  return {
    Layer: String(layer.layer),
    Digest: digest(layer.digest),
    DiffID: digest(layer.diffId),
    CompressedSize: formatSize(layer.compressedSize),
    Size: formatSize(layer.size),
    Files: String(layer.files),
    Shared: full ? layer.sharedWith.join(", ") : shared === 0 ? "" : `in ${shared} more`,
    CreatedBy: full ? command : truncate(command, commandWidth),
  };
}
