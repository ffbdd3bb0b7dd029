import { readFile } from "node:fs/promises";
import type { Status } from "./status.js";

/** Whether the process a supervisor recorded is still that process, and not a zombie, another one or of another boot. */
export async function isAlive({ pid, start, boot }: Status): Promise<boolean> {
  if (pid <= 0 || boot !== (await bootId())) return false;
  const stat = await readText(`/proc/${pid}/stat`);
  // The name, second field, may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  return fields[startField] === start && state !== "Z" && state !== "X";
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
