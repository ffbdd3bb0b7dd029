import { median, type Benchmark, type Result } from "./compare.js";
import type { Machine } from "./machine.js";

export interface Measured {
  readonly benchmark: Pick<Benchmark, "name" | "what">;
  readonly results: readonly Result[];
}

export interface Report {
  readonly machine: Machine;
  readonly minutes: number;
  readonly args: readonly string[];
  readonly all: readonly Measured[];
}

/** A Markdown table: medians, spread, and each contender's median as a multiple of the first one's. */
export function formatResults({ benchmark, results }: Measured): string {
  const base = medianOf(results[0]);
  const rows = results.map((result) => {
    const seconds = result.measurements.map((one) => one.seconds);
    if (seconds.length === 0) {
      return `| ${result.contender} | absent: ${firstLine(result.missing ?? "")} | | | |`;
    }
    const spread = `${formatSeconds(Math.min(...seconds))} – ${formatSeconds(Math.max(...seconds))}`;
    const ratio = base === undefined ? "" : (median(seconds) / base).toFixed(2);
    const peak = Math.max(...result.measurements.map(({ peakRss }) => peakRss)) / 1e6;
    return `| ${result.contender} | ${formatSeconds(median(seconds))} | ${spread} | ${ratio} | ${peak.toFixed(0)} MB |`;
  });
  const header = ["| | median | min – max | × | peak RSS |", "|---|---|---|---|---|"];
  return [`### ${benchmark.name}`, "", benchmark.what.trim(), "", ...header, ...rows, ""].join("\n");
}

/** BENCHMARKS.md. */
export function formatDocument({ machine, minutes, args, all }: Report): string {
  const command = ["npm run bench", ...(args.length === 0 ? [] : ["--", ...args])].join(" ");
  return [
    "# Benchmarks",
    "",
    `One run of \`${command}\` on ${machine.date}, ${minutes} minutes, after \`npm ci\` and \`bench/install-peers.sh\`; \`--only NAME\` gives one of the tables. Contenders take turns (A B A B …); × is each one's median as a multiple of ours: above 1, we are faster. Memory is the highest sum over a command and its descendants, so of docker and containerd it is the client's.`,
    "",
    `Machine: ${machine.hardware}. ${machine.versions.join(", ")}.`,
    "",
    "## Where others are faster",
    "",
    ...lossesOf(all),
    "",
    ...all.map(formatResults),
  ].join("\n");
}

/** Found in the figures, so that none is forgotten. Other ways of ours, and what does less than a container, are no losses. */
function lossesOf(all: readonly Measured[]): string[] {
  const lines = all.flatMap(({ benchmark, results }) => {
    const base = medianOf(results[0]);
    const faster = results.slice(1).filter((result) => {
      const other = medianOf(result);
      const isPeer = !/^(pullrun|node|[0-9])/.test(result.contender);
      return isPeer && base !== undefined && other !== undefined && other < base;
    });
    if (faster.length === 0) return [];
    const named = faster.map((one) => `${one.contender} ${formatSeconds(medianOf(one) ?? 0)}`);
    return [`- ${benchmark.name}: ${named.join(", ")}; ours ${formatSeconds(base ?? 0)}`];
  });
  return lines.length === 0 ? ["Nowhere in this run."] : lines;
}

function medianOf(result: Result | undefined): number | undefined {
  const seconds = result?.measurements.map((one) => one.seconds) ?? [];
  return seconds.length === 0 ? undefined : median(seconds);
}

function formatSeconds(seconds: number): string {
  return seconds < 1 ? `${(seconds * 1000).toFixed(0)} ms` : `${seconds.toFixed(2)} s`;
}

function firstLine(text: string): string {
  return (text.split("\n").find((line) => line.trim() !== "") ?? "").slice(0, 160).replaceAll("|", "\\|");
}
