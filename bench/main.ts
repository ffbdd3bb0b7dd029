/**
 * `npm run bench [-- --only NAME,… --peers NAME,… --runs N --scratch DIR --write]`: results as Markdown on stdout, as JSON in
 * the scratch directory, and with `--write` as BENCHMARKS.md.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { allBenchmarks } from "./benchmarks/all.js";
import { compare } from "./compare.js";
import { describeMachine } from "./machine.js";
import { openLab } from "./lab.js";
import { usePeers } from "./peers.js";
import { formatDocument, formatResults, type Measured } from "./report.js";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    peers: { type: "string" },
    runs: { type: "string" },
    scratch: { type: "string" },
    write: { type: "boolean", default: false },
  },
});
const only = values.only?.split(",");
const peers = values.peers?.split(",");

usePeers();
// Not /tmp, which may be a tmpfs: stores lie on disks.
const scratch = path.resolve(values.scratch ?? "build/bench");
mkdirSync(scratch, { recursive: true });
const lab = openLab(scratch);
const started = Date.now();
const all: Measured[] = [];
// Its daemons would go on without it.
const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => {
    process.exitCode = 128 + constants.signals[name];
    interrupted.abort(new Error(name));
  });
}
try {
  for (const benchmark of allBenchmarks(lab, values.runs === undefined ? undefined : Number(values.runs))) {
    if (only !== undefined && !only.includes(benchmark.name)) continue;
    process.stderr.write(`bench: ${benchmark.name}\n`);
    const measured = { benchmark, results: await compare(benchmark, takesPart, interrupted.signal) };
    all.push(measured);
    process.stdout.write(`${formatResults(measured)}\n`);
  }
} catch (error) {
  if (!interrupted.signal.aborted) throw error;
} finally {
  await lab.close();
}
// What was being prepared may still be at it.
if (interrupted.signal.aborted) process.exit();
const machine = await describeMachine();
const json = path.join(scratch, "results.json");
const plain = all.map(({ benchmark, results }) => ({ name: benchmark.name, results }));
writeFileSync(json, `${JSON.stringify({ machine, all: plain }, null, 2)}\n`);
const minutes = Math.round((Date.now() - started) / 60_000);
if (values.write) {
  writeFileSync("BENCHMARKS.md", formatDocument({ machine, minutes, args: process.argv.slice(2), all }));
}
process.stderr.write(`bench: ${minutes} minutes; figures of every run in ${json}\n`);

/** Our own contenders (some are only sizes) always do, and so does bare Node. */
function takesPart(contender: string): boolean {
  if (peers === undefined || /^(pullrun|node|[0-9])/.test(contender)) return true;
  return peers.some((peer) => contender.startsWith(peer));
}
