import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { LaunchError } from "../core/errors.js";

const binary = "helper/build/pullrun-helper";

/**
 * Absolute path of the helper that belongs to this installation: the package directory is one level above `dist/`
 * and two above this file's source.
 * @throws LaunchError NO_HELPER
 */
export function locateHelper(directory: string = import.meta.dirname): string {
  const candidates = ["..", "../.."].map((up) => join(directory, up, binary));
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  throw new LaunchError("NO_HELPER", `helper: ${candidates[0]}: not there or not executable`, {
    hint: `build it with \`npm run build\`, or \`make -C ${join(directory, "../helper")}\` where pullrun came from npm (needs a C compiler)`,
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
