import type { TopRow } from "../../api/containers/top.js";
import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { formatTable } from "../render/table.js";

/** Without options the columns of `ps -ef`, docker's choice. */
export async function run(invocation: Invocation): Promise<number> {
  const context = await inspectionContext(invocation);
  const [word = "", ...psOptions] = invocation.args;
  if (psOptions.length > 0) {
    const { processesByPs } = await import("../../api/containers/top-ps.js");
    invocation.print(`${(await processesByPs(context, word, psOptions)).join("\n")}\n`);
    return 0;
  }
  const { containerProcesses } = await import("../../api/containers/top.js");
  const rows = await containerProcesses(context, word);
  const header = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"];
  invocation.print(formatTable(header, rows.map(cellsOf)));
  return 0;
}

function cellsOf(row: TopRow): string[] {
  return [
    String(row.uid),
    String(row.pid),
    String(row.parent),
    String(Math.min(99, Math.floor(row.cpuPercent))),
    startText(row.started),
    row.tty,
    clockText(row.cpuSeconds),
    row.command,
  ];
}

const dayMs = 86_400_000;
const months = "JanFebMarAprMayJunJulAugSepOctNovDec";

/** `15:04` within a day, else `Jan02`. */
function startText(started: number): string {
  const time = new Date(started);
  if (Date.now() - started < dayMs) return `${two(time.getHours())}:${two(time.getMinutes())}`;
  const month = time.getMonth() * 3;
  return `${months.slice(month, month + 3)}${two(time.getDate())}`;
}

function clockText(seconds: number): string {
  const whole = Math.floor(seconds);
  return [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60].map(two).join(":");
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
