import type { ImageUsage } from "../../api/du.js";
import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { escapeName } from "../render/escape.js";
import { bytesField, formatJson } from "../render/json.js";
import { formatTable, truncate } from "../render/table.js";
import { formatPercent, formatSize } from "../render/units.js";
import { parseAtLeast, parsed, parseShare } from "../values.js";

const belowThreshold = 1;

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const [image = "", path = "/"] = args;
  const depth = parsed(flags, "depth", parseAtLeast(0)) ?? 1;
  const threshold = parseShare("--fail-under", flags.text("fail-under") ?? "0");
  const context = await inspectionContext(invocation);
  const { imageUsage } = await import("../../api/du.js");
  const usage = await imageUsage(context, { image, path, depth });
  invocation.print(flags.on("json") ? formatJson(usageJson(usage)) : usageText(usage));
  if (usage.efficiency >= threshold) return 0;
  invocation.note(
    `efficiency is ${formatPercent(usage.efficiency)} (expected at least ${formatPercent(threshold)})`,
  );
  return belowThreshold;
}

function usageJson({ directories, wasted, ...rest }: ImageUsage): Record<string, unknown> {
  return {
    ...rest,
    directories: directories.map(({ path, ...usage }) => ({ ...bytesField("path", path), ...usage })),
    wasted: wasted.map(({ path, ...file }) => ({ ...bytesField("path", path), ...file })),
  };
}

const shownWasted = 10;
const commandWidth = 60;

function usageText(usage: ImageUsage): string {
  const parts = [layersTable(usage), directoriesTable(usage)];
  if (usage.wasted.length > 0) parts.push(wastedTable(usage));
  const { efficiency, wastedBytes, totalBytes } = usage;
  const total = `efficiency ${formatPercent(efficiency)}: ${formatSize(wastedBytes)} of ${formatSize(totalBytes)} wasted\n`;
  return [...parts, total].join("\n");
}

function layersTable({ layers }: ImageUsage): string {
  const rows = layers.map(({ layer, bytes, wastedBytes, files, createdBy }) => [
    String(layer),
    formatSize(bytes),
    formatSize(wastedBytes),
    String(files),
    truncate(createdBy ?? "<missing>", commandWidth),
  ]);
  return formatTable(["LAYER", "SIZE", "WASTED", "FILES", "CREATED BY"], rows);
}

function directoriesTable({ directories }: ImageUsage): string {
  const rows = directories.map(({ path, files, bytes }) => [
    formatSize(bytes),
    String(files),
    escapeName(path),
  ]);
  return formatTable(["SIZE", "FILES", "DIRECTORY"], rows);
}

function wastedTable({ wasted }: ImageUsage): string {
  const rows = wasted
    .slice(0, shownWasted)
    .map(({ path, layer, bytes, fate }) => [formatSize(bytes), String(layer), fate, escapeName(path)]);
  const rest = wasted.length - rows.length;
  const more = rest > 0 ? `and ${rest} more (--json has all)\n` : "";
  return formatTable(["WASTED", "LAYER", "FATE", "FILE"], rows) + more;
}
