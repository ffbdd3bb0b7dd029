import { cpus, release, totalmem } from "node:os";
import { median, type Benchmark, type Result } from "./compare.js";

/** A Markdown table: medians, spread, and each contender's median as a multiple of the first one's. */
export function formatResults({ name, what }: Benchmark, results: readonly Result[]): string {
  const base = results[0]?.measurements.map(({ seconds }) => seconds) ?? [];
  const rows = results.map((result) => {
    const seconds = result.measurements.map((one) => one.seconds);
    if (seconds.length === 0)
      return `| ${result.contender} | absent: ${firstLine(result.missing ?? "")} | | | |`;
    const spread = `${formatSeconds(Math.min(...seconds))} – ${formatSeconds(Math.max(...seconds))}`;
    const ratio = base.length === 0 ? "" : (median(seconds) / median(base)).toFixed(2);
    const peak = Math.max(...result.measurements.map(({ peakRss }) => peakRss)) / 1e6;
    return `| ${result.contender} | ${formatSeconds(median(seconds))} | ${spread} | ${ratio} | ${peak.toFixed(0)} MB |`;
  });
  const header = ["| | median | min – max | × | peak RSS |", "|---|---|---|---|---|"];
  return [`### ${name}`, "", what, "", ...header, ...rows, ""].join("\n");
}

export function describeMachine(): string {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu?.model ?? "?"}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}, Node ${process.versions.node}`;
}

function formatSeconds(seconds: number): string {
  return seconds < 1 ? `${(seconds * 1000).toFixed(0)} ms` : `${seconds.toFixed(2)} s`;
}

function firstLine(text: string): string {
  return (text.split("\n").find((line) => line.trim() !== "") ?? "").slice(0, 120);
}
