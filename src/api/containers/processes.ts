import { readdir, readlink } from "node:fs/promises";
import { readText } from "./process.js";

/** One process as /proc/PID/stat has it (proc(5)); times in clock ticks. */
export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** User and system time so far. */
  readonly cpu: number;
  /** Since boot. */
  readonly start: number;
  readonly threads: number;
  /** Device number of its terminal, 0: none. */
  readonly tty: number;
}

/**
 * The processes of the container whose first one is `first`: those of its pid namespace, what `exec` started included,
 * and everything below them. Read on the host: nothing of the container's is executed for it (CVE-2022-1227).
 */
export async function processesOf(first: number): Promise<readonly ProcessStat[]> {
  const names = (await readdir("/proc")).filter((name) => /^[0-9]+$/.test(name));
  const all = (await Promise.all(names.map((name) => readStat(Number(name))))).filter(
    (process) => process !== undefined,
  );
  const own = await namespaceMembers(first, all);
  for (let grown = true; grown;) {
    const before = own.size;
    for (const { pid, parent } of all) if (own.has(parent)) own.add(pid);
    grown = own.size > before;
  }
  return all.filter(({ pid }) => own.has(pid)).sort((a, b) => a.start - b.start || a.pid - b.pid);
}

async function namespaceMembers(first: number, all: readonly ProcessStat[]): Promise<Set<number>> {
  const namespace = await pidNamespace(first);
  const shared = namespace === undefined || namespace === (await pidNamespace("self"));
  if (shared) return new Set([first]);
  const members = await Promise.all(all.map(async ({ pid }) => (await pidNamespace(pid)) === namespace));
  return new Set([first, ...all.filter((_, i) => members[i]).map(({ pid }) => pid)]);
}

async function pidNamespace(pid: number | "self"): Promise<string | undefined> {
  return readlink(`/proc/${pid}/ns/pid`).catch(() => undefined);
}

async function readStat(pid: number): Promise<ProcessStat | undefined> {
  const text = await readText(`/proc/${pid}/stat`);
  if (text === "") return undefined;
  // From the third field on: the second, its name, may hold anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3] ?? 0);
  return {
    pid,
    parent: field(4),
    cpu: field(14) + field(15),
    start: field(22),
    threads: field(20),
    tty: field(7),
  };
}
