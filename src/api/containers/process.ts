import { readFile } from "node:fs/promises";
import type { Status } from "./status.js";

/** Whether the process a supervisor recorded is still that process, and not a zombie, another one or of another boot. */
export async function isAlive({ pid, start, boot }: Status): Promise<boolean> {
  if (pid <= 0 || boot !== (await bootId())) return false;
  const [state, ...fields] = await statFields(pid);
  return fields[startField - 1] === start && state !== "Z" && state !== "X";
}

/** When a process started, as {@link Status} has it; undefined if there is none of this number. */
export async function startTime(pid: number): Promise<string | undefined> {
  return (await statFields(pid))[startField];
}

/** The fields of /proc/PID/stat from the third on: the name, second field, may hold spaces and parentheses. */
async function statFields(pid: number): Promise<string[]> {
  const stat = await readText(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Field 22 counted from the third. */
const startField = 19;

let boot: Promise<string> | undefined;

export function bootId(): Promise<string> {
  return (boot ??= readText("/proc/sys/kernel/random/boot_id").then((text) => text.trim()));
}

/** "" for what is not there, or no longer. */
export async function readText(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}
