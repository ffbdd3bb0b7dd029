import path from "node:path";
import { build, type BuildOptions, type Plugin } from "esbuild";

/**
 * Makes one program of two scripts that src/cli/code.ts loads: `warm` with the entry and what it imports, and `rest`,
 * loaded when one of its modules is first asked for. A module is in one of them only, so that both mean the same error
 * classes; packages are in each that imports them.
 */
export interface TwoScripts {
  readonly entry: string;
  /** Sources that the warm script imports late, and has nevertheless. Whatever else is imported late is the rest. */
  readonly warmImports: readonly string[];
  readonly outputs: { readonly warm: string; readonly rest: string };
  readonly options: BuildOptions & { readonly plugins: Plugin[] };
}

export async function buildTwoScripts({ entry, warmImports, outputs, options }: TwoScripts): Promise<void> {
  const late = new Set<string>();
  const warm = (contents: string, known: readonly string[], output: BuildOptions) => {
    const leave = elsewhere((source, kind) => kind === "dynamic-import" && !known.includes(source), late);
    return bundle(contents, { ...options, ...output, plugins: [...options.plugins, leave] });
  };
  const main = `export { main } from ${JSON.stringify(`./${entry}`)};`;
  const { metafile } = await warm(main, warmImports, { write: false, metafile: true, outfile: outputs.warm });
  const shared = Object.keys(metafile?.inputs ?? {}).filter(
    (source) => source.startsWith("src/") && source !== entry,
  );
  late.clear();
  // Also what is imported late here and at once there.
  await warm(`${main}\n${exported(shared)}`, shared, { outfile: outputs.warm });
  const plugins = [...options.plugins, elsewhere((source) => shared.includes(source))];
  await bundle(exported([...late]), { ...options, plugins, outfile: outputs.rest });
}

function bundle(contents: string, options: BuildOptions) {
  return build({
    ...options,
    stdin: { contents, resolveDir: process.cwd(), sourcefile: "entry.ts", loader: "ts" },
  });
}

/** `require` initialises a module when it is called, where `import` would do so at once. */
function exported(sources: readonly string[]): string {
  const modules = sources.map(
    (source) => `${JSON.stringify(source)}: () => require(${JSON.stringify(`./${source}`)})`,
  );
  return `export const modules = {\n${modules.join(",\n")}\n};`;
}

/** Takes modules from the other script, whose loader is in scope as `other`; notes them in `seen`. */
function elsewhere(isElsewhere: (source: string, kind: string) => boolean, seen = new Set<string>()): Plugin {
  const ours = Symbol("asked by this plugin");
  return {
    name: "elsewhere",
    setup({ onResolve, onLoad, resolve }) {
      onResolve({ filter: /^\./ }, async ({ path: name, kind, resolveDir, importer, pluginData }) => {
        if (pluginData === ours || importer === "entry.ts") return undefined;
        const resolved = await resolve(name, { kind, resolveDir, importer, pluginData: ours });
        const source = path.relative(process.cwd(), resolved.path);
        if (!source.startsWith("src/") || !isElsewhere(source, kind)) return undefined;
        seen.add(source);
        return { path: source, namespace: "elsewhere" };
      });
      onLoad({ filter: /.*/, namespace: "elsewhere" }, ({ path: source }) => ({
        contents: `module.exports = other(${JSON.stringify(source)});`,
      }));
    },
  };
}
