import { createRequire } from "node:module";
import type { Plugin } from "esbuild";

const require = createRequire(import.meta.url);

/** Node's modules that take a millisecond or more to load, and that a warm `run`, or a pull without TLS, does without. */
const slowModules = [
  "child_process",
  "crypto",
  "fs/promises",
  "http",
  "http2",
  "https",
  "net",
  "perf_hooks",
  "readline",
  "stream",
  "stream/promises",
  "tls",
  "worker_threads",
  "zlib",
].map((name) => `node:${name}`);

/**
 * What got takes of a module that it may not use then: constants, and whether there is zstd, when it is loaded, and who
 * checks a server's name for each request.
 */
const standIns: Readonly<Record<string, string>> = {
  "node:http2.constants": JSON.stringify((require("node:http2") as { constants: object }).constants),
  "node:tls.checkServerIdentity": `(...given) => require("node:tls").checkServerIdentity(...given)`,
  "node:zlib.createZstdDecompress": `(...given) => require("node:zlib").createZstdDecompress(...given)`,
};

/**
 * Makes `import { spawn } from "node:child_process"` load that module when `spawn` is first used. What is imported lies
 * in a prototype, because esbuild copies an object's own properties once for each file that imports it.
 */
export const lazyModules: Plugin = {
  name: "lazy-modules",
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "node-module" } : { path, external: true },
    );
    build.onLoad({ filter: /.*/, namespace: "node-module" }, ({ path }) => {
      if (!slowModules.includes(path))
        return { contents: `module.exports = Object.create(require("${path}"));` };
      const getters = Object.keys(require(path) as object).map((name) => {
        const value = standIns[`${path}.${name}`] ?? `require("${path}").${name}`;
        return `get ${name}() { return ${value}; }`;
      });
      return { contents: `module.exports = Object.create({\n${getters.join(",\n")}\n});` };
    });
  },
};
