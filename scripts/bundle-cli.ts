import { createRequire } from "node:module";
import { build, type Plugin } from "esbuild";
import { buildTwoScripts } from "./two-scripts.ts";

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

/** Packages that make up half of the code, and that a warm `run` does without: each is a script of its own. */
const coldPackages = ["got", "ora", "tar"];

/** What a warm `run` and `images` import late (test/e2e/warm-run.test.ts tells what it may). */
const warmImports = [
  "src/api/containers/client.ts",
  "src/api/context.ts",
  "src/api/images.ts",
  "src/api/network/attach.ts",
  "src/api/network/attach-bridge.ts",
  "src/api/network/resolve.ts",
  "src/api/run.ts",
  "src/cli/commands/images.ts",
  "src/cli/commands/run.ts",
  "src/helper/detect-privilege.ts",
  "src/helper/locate.ts",
  "src/helper/process.ts",
  "src/launch/network/details.ts",
  "src/store/store.ts",
];

/**
 * The command line as scripts (src/cli/code.ts runs them), all CommonJS: the first load of an ES module alone takes Node
 * 6 ms more. `shared` are esbuild's options for everything.
 */
export async function bundleCli(shared: { readonly bundle: true; readonly platform: "node" }): Promise<void> {
  const common = { ...shared, format: "cjs" } as const;
  await build({ ...common, entryPoints: ["src/cli/start.ts"], outfile: "dist/cli.cjs" });
  const script = {
    ...common,
    define: { "import.meta.url": "importMetaUrl", "import.meta.dirname": "__dirname" },
    // The script's value is a function. Only ASCII, so that reading it decodes nothing.
    banner: {
      js: `(function (require, module, __filename, other) {
const __dirname = require("node:path").dirname(__filename);
const importMetaUrl = require("node:url").pathToFileURL(__filename).href;`,
    },
    footer: { js: "})" },
    charset: "ascii",
  } as const;
  for (const name of coldPackages) {
    await build({ ...script, plugins: [lazyModules], entryPoints: [name], outfile: `dist/${name}.js` });
  }
  await buildTwoScripts({
    entry: "src/cli/main.ts",
    warmImports,
    outputs: { warm: "dist/cli-warm.js", rest: "dist/cli-rest.js" },
    options: { ...script, plugins: [lazyModules, lazyPackages] },
  });
}

/**
 * Makes `import { spawn } from "node:child_process"` load that module when `spawn` is first used. What is imported lies
 * in a prototype, because esbuild copies an object's own properties once for each file that imports it.
 */
const lazyModules: Plugin = {
  name: "lazy-modules",
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "node-module" } : { path, external: true },
    );
    build.onLoad({ filter: /.*/, namespace: "node-module" }, ({ path }) => {
      if (!slowModules.includes(path))
        return { contents: `module.exports = Object.create(require("${path}"));` };
      const names = Object.keys(require(path) as object);
      const getters = names.map((name) => `get ${name}() { return require("${path}").${name}; }`);
      return { contents: `module.exports = Object.create({\n${getters.join(",\n")}\n});` };
    });
  },
};

const lazyPackages: Plugin = {
  name: "lazy-packages",
  setup(build) {
    build.onResolve({ filter: new RegExp(`^(${coldPackages.join("|")})$`) }, ({ path }) => ({
      path,
      namespace: "lazy-package",
    }));
    build.onLoad({ filter: /.*/, namespace: "lazy-package" }, async ({ path }) => {
      const { default: main, ...named } = (await import(path)) as Record<string, unknown>;
      const exported = [`export const { ${Object.keys(named).join(", ")} } = loaded;`];
      if (main !== undefined) exported.push("export default loaded.default;");
      return { contents: `const loaded = other(${JSON.stringify(path)});\n${exported.join("\n")}` };
    });
  },
};
