import { readFileSync } from "node:fs";
import path from "node:path";
import { Script } from "node:vm";

/**
 * The command line's code is two scripts: what every command and a warm `run` take, and the rest, which is loaded when
 * something of it is first asked for, as is each of the larger packages. Beside each lies what V8 compiled of it when it
 * was built: finding, reading and parsing modules would take a warm `run` longer than everything else (docs/adr/0011). A
 * cache that is missing, or that another Node or processor made, only costs that time again.
 */
export interface Code {
  readonly script: Script;
  readonly filename: string;
  /** Where V8's compiled form of the script belongs. */
  readonly cacheFile: string;
}

/** A module of the other script by the path of its source, or a package by its name, initialised when first asked for. */
type OtherModule = (source: string) => unknown;

/** What a script evaluates to: a module in the manner of CommonJS. */
type ScriptModule = (
  require: NodeJS.Require,
  module: { exports: unknown },
  filename: string,
  other: OtherModule,
) => void;

interface ScriptExports {
  readonly modules: Readonly<Record<string, () => unknown>>;
}

export interface CommandLine {
  main(argv: readonly string[]): Promise<void>;
  /** The scripts that were needed until now. */
  readonly loaded: readonly Code[];
}

/** Runs the first script, which only defines what it exports. @throws errors of fs if it is not in `directory` */
export function openCommandLine(directory: string, require: NodeJS.Require): CommandLine {
  const loaded: Code[] = [];
  const open = (name: string, other: OtherModule): unknown => {
    const code = loadCode(directory, name);
    loaded.push(code);
    const module = { exports: {} };
    const define = code.script.runInThisContext() as ScriptModule;
    define(require, module, code.filename, other);
    return module.exports;
  };
  const packages = new Map<string, unknown>();
  const beside = (script: () => ScriptExports): OtherModule => {
    return (name) => {
      if (name.startsWith("src/")) return script().modules[name]?.();
      if (!packages.has(name))
        packages.set(
          name,
          open(name, () => undefined),
        );
      return packages.get(name);
    };
  };
  let rest: ScriptExports | undefined;
  const openRest = () =>
    (rest ??= open(
      "cli-rest",
      beside(() => warm),
    ) as ScriptExports);
  const warm = open("cli-warm", beside(openRest)) as ScriptExports & Pick<CommandLine, "main">;
  return { main: warm.main, loaded };
}

/** The script, compiled or taken from the cache. */
function loadCode(directory: string, name: string): Code {
  const filename = path.join(directory, `${name}.js`);
  const cacheFile = path.join(directory, `${name}-${process.version}-${process.arch}.cache`);
  const cachedData = readIfThere(cacheFile);
  const source = readFileSync(filename, "latin1");
  return {
    script: new Script(source, { filename, ...(cachedData === undefined ? {} : { cachedData }) }),
    filename,
    cacheFile,
  };
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
