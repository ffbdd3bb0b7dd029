import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** The first process of the container whose supervisor is `supervisor`, once it runs the fixtures' probe. */
export async function probeOf(supervisor: number): Promise<number> {
  for (;;) {
    await sleep(20);
    const children = await readText(`/proc/${supervisor}/task/${supervisor}/children`);
    const pid = Number(children.trim().split(" ")[0]);
    if (pid > 0 && (await readText(`/proc/${pid}/cmdline`)).startsWith("/bin/probe")) return pid;
  }
}

async function readText(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}

/** Whether a process runs; one that nobody has reaped yet does not. */
export async function isRunning(pid: number): Promise<boolean> {
  const state = /^\d+ \(.*\) (\S)/s.exec(await readText(`/proc/${pid}/stat`))?.[1];
  return state !== undefined && state !== "Z" && state !== "X";
}
