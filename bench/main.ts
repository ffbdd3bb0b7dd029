/** `npm run bench [-- --only NAME,… --runs N --scratch DIR]`: results as Markdown on stdout, as JSON in build/. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { coldPull, repeatAndRemove } from "./benchmarks/pull.js";
import { warmRun } from "./benchmarks/run.js";
import { compare, type Benchmark, type Result } from "./compare.js";
import { describeMachine, formatResults } from "./report.js";

const { values } = parseArgs({
  options: { only: { type: "string" }, runs: { type: "string" }, scratch: { type: "string" } },
});
// Not /tmp, which may be a tmpfs: stores lie on disks.
const scratch = path.resolve(values.scratch ?? "build/bench");
const runs = values.runs === undefined ? undefined : Number(values.runs);
const only = values.only?.split(",");
mkdirSync(scratch, { recursive: true });

const benchmarks: readonly Benchmark[] = [
  warmRun({ scratch, runs: runs ?? 15 }),
  coldPull({ image: "small", scratch, runs: runs ?? 7 }),
  coldPull({ image: "many", scratch, runs: runs ?? 5 }),
  coldPull({ image: "large", scratch, runs: runs ?? 3 }),
  ...repeatAndRemove({ image: "large", scratch, runs: runs ?? 3 }),
];

const all: { readonly name: string; readonly results: readonly Result[] }[] = [];
process.stdout.write(`Machine: ${describeMachine()}. Date: ${new Date().toISOString().slice(0, 10)}.\n\n`);
for (const benchmark of benchmarks) {
  if (only !== undefined && !only.includes(benchmark.name)) continue;
  const results = await compare(benchmark);
  all.push({ name: benchmark.name, results });
  process.stdout.write(`${formatResults(benchmark, results)}\n`);
}
const json = path.join(scratch, "results.json");
writeFileSync(json, `${JSON.stringify({ machine: describeMachine(), all }, null, 2)}\n`);
process.stderr.write(`bench: figures of every run in ${json}\n`);
