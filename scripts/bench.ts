/** `npm run bench`: bundles the benchmarks, which import TypeScript by its `.js` names, and runs them. */
import { spawnSync } from "node:child_process";
import { build } from "esbuild";

await build({
  entryPoints: ["bench/main.ts"],
  outfile: "build/bench.js",
  bundle: true,
  platform: "node",
  format: "esm",
  packages: "external",
  logLevel: "warning",
});
const { status } = spawnSync(process.execPath, ["build/bench.js", ...process.argv.slice(2)], {
  stdio: "inherit",
});
process.exitCode = status ?? 1;
