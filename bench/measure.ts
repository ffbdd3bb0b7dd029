import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** One command as a user would time it: from start to end of the process. */
export interface Measurement {
  readonly seconds: number;
  /** Highest sum of resident memory over the process and its descendants, sampled every 20 ms. Bytes. */
  readonly peakRss: number;
}

export interface Command {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Exit statuses that count as done; 0 by default. */
  readonly expect?: readonly number[];
}

const samplingMs = 20;

/** `signal` ends the command. @throws Error with the end of its standard error if the command fails */
export async function measure(
  { argv, env, expect = [0] }: Command,
  signal: AbortSignal,
): Promise<Measurement> {
  const [file = "", ...args] = argv;
  const started = process.hrtime.bigint();
  const child = spawn(file, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
    signal,
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr = (stderr + text).slice(-2000)));
  let peakRss = 0;
  const sampler = setInterval(() => (peakRss = Math.max(peakRss, treeRss(child.pid ?? 0))), samplingMs);
  const status = await new Promise<number>((resolve, reject) => {
    // Of one that was aborted the end is waited for.
    child.once("error", (error) => child.pid === undefined && reject(error));
    child.once("close", (code) => resolve(code ?? 128));
  });
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  clearInterval(sampler);
  if (!expect.includes(status)) throw new Error(`${argv.join(" ")}: status ${status}: ${stderr}`);
  return { seconds, peakRss };
}

function treeRss(pid: number): number {
  const children = read(`/proc/${pid}/task/${pid}/children`)
    .trim()
    .split(" ")
    .filter((text) => text !== "");
  return ownRss(pid) + children.reduce((sum, child) => sum + treeRss(Number(child)), 0);
}

function ownRss(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1];
  return Number(kib ?? 0) * 1024;
}

/** Processes come and go while we look. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
