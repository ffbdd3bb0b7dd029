/** `npm run build`: the command line, the library, the declarations, the seccomp filters, the demo images and the C helper. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { build } from "esbuild";
import { bundleCli } from "./bundle-cli.ts";

function step(command: string, args: readonly string[], missing: string): void {
  const result = spawnSync(command, args, { stdio: "inherit" });
  if (result.error !== undefined) {
    console.error(`build: cannot run ${command}: ${result.error.message}\nhint: ${missing}`);
    process.exit(1);
  }
  if (result.status !== 0) process.exit(result.status ?? 1);
}

const shared = { bundle: true, platform: "node", target: "node22.20", logLevel: "warning" } as const;
const modules = {
  ...shared,
  format: "esm",
  // Bundled CommonJS packages call require() for Node's own modules, which an ES module does not have.
  banner: {
    js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
  },
} as const;

rmSync("dist", { recursive: true, force: true });
await build({
  ...modules,
  entryPoints: {
    index: "src/index.ts",
    "ingest-worker": "src/store/ingest-worker.ts",
  },
  outdir: "dist",
  splitting: true,
  // Flat, because code finds its neighbours (worker, demo images, helper) relative to its own file.
  chunkNames: "[name]-[hash]",
});
await bundleCli(shared);
await build({ ...modules, entryPoints: ["fixtures/build.ts"], outfile: "build/fixtures.js" });
await build({ ...modules, entryPoints: ["scripts/code-cache.ts"], outfile: "build/code-cache.js" });
await build({ ...modules, entryPoints: ["scripts/seccomp.ts"], outfile: "build/seccomp.js" });
step(process.execPath, ["build/seccomp.js", "dist"], "");
rmSync("dist/demo", { recursive: true, force: true });
step(process.execPath, ["build/fixtures.js", "dist/demo"], "");
step(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], "run npm ci first");
step(
  "make",
  ["-s", "-C", "helper"],
  "the launch helper is C: install make and a C compiler (Debian: apt-get install gcc make libc6-dev)",
);
// What the cache lacks is compiled when it is used: a machine where the commands below cannot work only starts slower.
spawnSync(process.execPath, ["build/code-cache.js", "dist"], { stdio: ["ignore", "ignore", "inherit"] });
