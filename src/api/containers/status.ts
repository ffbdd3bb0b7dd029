import { readFile } from "node:fs/promises";
import { errnoOf } from "../../core/errors.js";
import { statusFile } from "./directory.js";

/** What the supervisor has written of its container (helper/record.c): true at that moment, and to be checked. */
export interface Status {
  readonly state: string;
  /** Of the container's first process, on the host; 0: it has none. */
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: tells the process from a later one with its pid. */
  readonly start: string;
  /** The boot these were true in: /proc/sys/kernel/random/boot_id. */
  readonly boot: string;
  /** ISO 8601 with nanoseconds. */
  readonly started?: string;
  readonly finished?: string;
  readonly exit?: number;
  readonly oom: boolean;
  /** By the restart policy. */
  readonly restarts: number;
  /** Why it could not start. */
  readonly error: string;
}

/** Undefined for a container that was never started. */
export async function readStatus(directory: string): Promise<Status | undefined> {
  const text = await readFile(statusFile(directory), "utf8").catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  });
  return text === undefined ? undefined : parseStatus(text);
}

/** Lines of `key value`; what a later version adds is passed over. */
export function parseStatus(text: string): Status {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const space = line.indexOf(" ");
    if (space > 0) values.set(line.slice(0, space), line.slice(space + 1));
  }
  const exit = values.get("exit");
  return {
    state: values.get("state") ?? "",
    pid: count(values.get("pid")),
    start: values.get("start") ?? "",
    boot: values.get("boot") ?? "",
    ...time("started", values.get("started")),
    ...time("finished", values.get("finished")),
    ...(exit === undefined ? {} : { exit: count(exit) }),
    oom: values.get("oom") === "1",
    restarts: count(values.get("restarts")),
    error: values.get("error") ?? "",
  };
}

function count(text: string | undefined): number {
  return /^[0-9]{1,10}$/.test(text ?? "") ? Number(text) : 0;
}

/** From nanoseconds since 1970, of which a number cannot hold all digits. */
function time<K extends string>(key: K, text: string | undefined): { [P in K]?: string } {
  const match = /^([0-9]{1,12})([0-9]{9})$/.exec(text ?? "");
  if (match === null) return {};
  const seconds = new Date(Number(match[1]) * 1000).toISOString().slice(0, 19);
  return { [key]: `${seconds}.${match[2] ?? ""}Z` } as { [P in K]?: string };
}
