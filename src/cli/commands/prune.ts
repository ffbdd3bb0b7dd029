import type { Pruned, PrunedItem } from "../../api/prune.js";
import { contextOf } from "../context.js";
import type { Invocation } from "../command.js";
import { formatJson } from "../render/json.js";
import { formatTable } from "../render/table.js";
import { formatSize } from "../render/units.js";
import { parseDuration } from "../../core/times.js";

export async function run(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  const olderThan = parseDuration("--older-than", flags.text("older-than") ?? "");
  const dryRun = flags.on("dry-run");
  const context = await contextOf(invocation, () => undefined);
  const { pruneStore } = await import("../../api/prune.js");
  const pruned = await pruneStore(context, { dryRun, compressed: flags.on("compressed"), olderThan });
  invocation.print(flags.on("json") ? toJson(pruned) : toTable(pruned.removed));
  const freed = formatSize(totalOf(pruned.removed));
  invocation.note(dryRun ? `would free ${freed}` : `freed ${freed}`);
  if (pruned.young.length > 0) {
    const count = pruned.young.length === 1 ? "1 item" : `${pruned.young.length} items`;
    invocation.note(
      `${count} (${formatSize(totalOf(pruned.young))}) changed lately and stayed: --older-than 0 takes them too`,
    );
  }
  return 0;
}

function toTable(items: readonly PrunedItem[]): string {
  if (items.length === 0) return "";
  const rows = items.map(({ kind, name, bytes }) => [kind, name, formatSize(bytes)]);
  return formatTable(["KIND", "NAME", "SIZE"], rows);
}

function toJson({ removed, young }: Pruned): string {
  return formatJson({ removed, young, bytes: totalOf(removed) });
}

function totalOf(items: readonly PrunedItem[]): number {
  return items.reduce((sum, { bytes }) => sum + bytes, 0);
}
