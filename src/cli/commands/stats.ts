import type { ContainerStats } from "../../api/containers/stats.js";
import type { Flags, Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { stdoutIsTerminal } from "../output.js";
import { formatTable } from "../render/table.js";
import { formatSize } from "../render/units.js";
import { templateOf } from "../values.js";

/** Clear the screen, and go to its top. */
const redraw = "\x1b[2J\x1b[H";

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags, print } = invocation;
  const context = await inspectionContext(invocation);
  const { containerStats } = await import("../../api/containers/stats.js");
  const once = flags.on("no-stream");
  for await (const stats of containerStats(context, { words: args, all: flags.on("all") })) {
    print(`${once || !stdoutIsTerminal() ? "" : redraw}${await format(stats, flags)}`);
    if (once) break;
  }
  return 0;
}

async function format(stats: readonly ContainerStats[], flags: Flags): Promise<string> {
  const rows = stats.map((one) => rowOf(one, flags));
  const template = templateOf(flags);
  if (template !== undefined) {
    const { formatRows } = await import("../format.js");
    return formatRows(template, rows, headings);
  }
  const columns = ["ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"] as const;
  return formatTable(
    columns.map((column) => headings[column]),
    rows.map((row) => columns.map((column) => row[column])),
  );
}

const headings = {
  ID: "CONTAINER ID",
  Container: "CONTAINER",
  Name: "NAME",
  CPUPerc: "CPU %",
  MemUsage: "MEM USAGE / LIMIT",
  MemPerc: "MEM %",
  NetIO: "NET I/O",
  BlockIO: "BLOCK I/O",
  PIDs: "PIDS",
};

/** Docker's names for the columns. */
function rowOf(stats: ContainerStats, flags: Flags): Record<keyof typeof headings, string> {
  const id = flags.on("no-trunc") ? stats.id : stats.id.slice(0, 12);
  const share = stats.memoryLimit === 0 ? 0 : (stats.memory / stats.memoryLimit) * 100;
  return {
    ID: id,
    Container: id,
    Name: stats.name,
    CPUPerc: `${stats.cpuPercent.toFixed(2)}%`,
    MemUsage: `${formatSize(stats.memory)} / ${formatSize(stats.memoryLimit)}`,
    MemPerc: `${share.toFixed(2)}%`,
    NetIO: `${formatSize(stats.received)} / ${formatSize(stats.sent)}`,
    BlockIO: `${formatSize(stats.read)} / ${formatSize(stats.written)}`,
    PIDs: String(stats.pids),
  };
}
