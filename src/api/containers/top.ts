import { printable } from "../../core/text.js";
import type { Context } from "../context.js";
import { findContainer } from "./find.js";
import { readText } from "./process.js";
import { processesOf, type ProcessStat } from "./processes.js";
import { notRunning } from "./signal.js";

/** A process, its numbers being the host's. */
export interface TopRow {
  readonly uid: number;
  readonly pid: number;
  readonly parent: number;
  /** Share of one CPU over its life, in percent. */
  readonly cpuPercent: number;
  /** Milliseconds since 1970. */
  readonly started: number;
  /** `pts/0`, or `?`. */
  readonly tty: string;
  /** Seconds of CPU time. */
  readonly cpuSeconds: number;
  readonly command: string;
}

/** USER_HZ, which the kernel has in all it tells user space. */
export const ticksPerSecond = 100;

/** @throws LaunchError NOT_RUNNING, StoreError NOT_FOUND */
export async function containerProcesses(context: Context, word: string): Promise<readonly TopRow[]> {
  const container = await findContainer(context, word);
  if (container.pid === 0) throw notRunning(container, "top");
  const bootMs = await bootTime();
  const rows = await Promise.all((await processesOf(container.pid)).map((process) => rowOf(process, bootMs)));
  return rows.filter((row) => row !== undefined);
}

async function rowOf(process: ProcessStat, bootMs: number): Promise<TopRow | undefined> {
  const { pid, parent, cpu, start } = process;
  const status = await readText(`/proc/${pid}/status`);
  const uid = /^Uid:\t([0-9]+)/m.exec(status)?.[1];
  if (uid === undefined) return undefined;
  const name = /^Name:\t(.*)$/m.exec(status)?.[1] ?? "";
  const argv = (await readText(`/proc/${pid}/cmdline`)).split("\0").join(" ").trim();
  const started = bootMs + (start / ticksPerSecond) * 1000;
  const cpuSeconds = cpu / ticksPerSecond;
  const lifeSeconds = Math.max((Date.now() - started) / 1000, 1);
  return {
    uid: Number(uid),
    pid,
    parent,
    cpuPercent: (cpuSeconds / lifeSeconds) * 100,
    started,
    tty: ttyName(process.tty),
    cpuSeconds,
    command: printable(argv === "" ? `[${name}]` : argv, 4096),
  };
}

/** Major 136 to 143 are pseudo terminals (kernel devices.txt); the minor's high bits come after the major's 8. */
function ttyName(device: number): string {
  const major = (device >> 8) & 0xff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  return major >= 136 && major <= 143 ? `pts/${(major - 136) * 256 + minor}` : "?";
}

async function bootTime(): Promise<number> {
  const seconds = /^btime ([0-9]+)$/m.exec(await readText("/proc/stat"))?.[1];
  return Number(seconds ?? 0) * 1000;
}
