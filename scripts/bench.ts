/** `npm run bench`: bundles the benchmarks, which import TypeScript by its `.js` names, and runs them, in this process. */
import path from "node:path";
import { pathToFileURL } from "node:url";
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
await import(pathToFileURL(path.resolve("build/bench.js")).href);
