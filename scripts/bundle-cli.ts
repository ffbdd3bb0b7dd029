import { build, type Plugin } from "esbuild";
import { lazyModules } from "./lazy-modules.ts";
import { buildTwoScripts } from "./two-scripts.ts";

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
    await build({
      ...script,
      ...lazyListFormat(script),
      plugins: [lazyModules],
      entryPoints: [name],
      outfile: `dist/${name}.js`,
    });
  }
  await buildTwoScripts({
    entry: "src/cli/main.ts",
    warmImports,
    outputs: { warm: "dist/cli-warm.js", rest: "dist/cli-rest.js" },
    options: { ...script, plugins: [lazyModules, lazyPackages] },
  });
}

/** got makes two of these, for error messages, as soon as it is loaded: ICU takes as long for it as a fifth of Node's start. */
function lazyListFormat({ banner, define }: { banner: { js: string }; define: Record<string, string> }) {
  const lazy = `class LazyListFormat {
  constructor(...given) { this.given = given; }
  format(list) { return new Intl.ListFormat(...this.given).format(list); }
}`;
  return {
    define: { ...define, "Intl.ListFormat": "LazyListFormat" },
    banner: { js: `${banner.js}\n${lazy}` },
  };
}

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
