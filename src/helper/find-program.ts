import { accessSync, constants } from "node:fs";
import { errnoOf } from "../core/errors.js";

/** Not PATH: whoever set it could have us run a program of theirs (DESIGN 4, "absolute paths"). */
const directories = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/local/sbin"];

/** Absolute path of a program of the host, or undefined where it is not installed. */
export function findProgram(name: string): string | undefined {
  return directories.map((directory) => `${directory}/${name}`).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES", "EPERM"].includes(errnoOf(error) ?? "")) return false;
    throw error;
  }
}
