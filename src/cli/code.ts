import { readFileSync } from "node:fs";
import path from "node:path";
import { Script } from "node:vm";

/**
 * The command line's code is one script, and beside it lies what V8 compiled of it when it was built: finding, reading
 * and parsing modules would take a warm `run` longer than everything else (docs/adr/0011). A cache that is missing, or
 * that another Node or processor made, only costs that time again.
 */
export interface Code {
  readonly script: Script;
  /** Where V8's compiled form of the script belongs. */
  readonly cacheFile: string;
}

/** What the script evaluates to: a module in the manner of CommonJS. */
export type CodeModule = (
  require: NodeJS.Require,
  module: { exports: unknown },
  filename: string,
  dirname: string,
) => void;

/** What the script exports. */
export interface CodeExports {
  main(argv: readonly string[]): Promise<void>;
}

/** The script in `directory`, compiled or taken from the cache. @throws errors of fs if the script is not there */
export function loadCode(directory: string): Code {
  const filename = path.join(directory, "cli-code.js");
  const cacheFile = path.join(directory, `cli-code-${process.version}-${process.arch}.cache`);
  const cachedData = readIfThere(cacheFile);
  const source = readFileSync(filename, "latin1");
  return {
    script: new Script(source, { filename, ...(cachedData === undefined ? {} : { cachedData }) }),
    cacheFile,
  };
}

/** Runs the script, which only defines what it exports. */
export function evaluate({ script }: Code, directory: string, require: NodeJS.Require): CodeExports {
  const module = { exports: {} };
  const define = script.runInThisContext() as CodeModule;
  define(require, module, path.join(directory, "cli-code.js"), directory);
  return module.exports as CodeExports;
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
