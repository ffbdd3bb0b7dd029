import { LayerError, type LayerCode } from "../core/errors.js";
import { limits } from "../core/limits.js";
import { printable } from "../core/text.js";

/**
 * The components of an entry's path, as latin1 strings that stand for the bytes. A leading `/` and every `.` are
 * dropped, `..` takes back the component before it; empty for the root itself. `what` names the layer.
 * @throws LayerError PATH_ESCAPE if a `..` leads out of the root; BAD_TAR for NUL bytes or names Linux cannot hold;
 * TOO_BIG when nested deeper than `limits.directoryDepth`
 */
export function pathComponents(what: string, path: Buffer): string[] {
  if (path.includes(0)) throw refused(what, path, { code: "BAD_TAR", problem: "has a NUL byte in its name" });
  if (path.length > limits.pathBytes) {
    throw refused(what, path, { code: "BAD_TAR", problem: `name is longer than ${limits.pathBytes} bytes` });
  }
  const parts: string[] = [];
  for (const part of path.toString("latin1").split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      if (parts.pop() === undefined) {
        throw refused(what, path, { code: "PATH_ESCAPE", problem: "leads out of the root file system" });
      }
    } else if (part.length > limits.nameBytes) {
      throw refused(what, path, {
        code: "BAD_TAR",
        problem: `has a component longer than ${limits.nameBytes} bytes`,
      });
    } else parts.push(part);
  }
  if (parts.length > limits.directoryDepth) {
    throw refused(what, path, {
      code: "TOO_BIG",
      problem: `is nested deeper than ${limits.directoryDepth} directories`,
    });
  }
  return parts;
}

/** A path before and after its last slash, which is the end of the first part; latin1 strings again. */
export function splitPath(path: Buffer): readonly [prefix: string, name: string] {
  const at = path.lastIndexOf(0x2f) + 1;
  return [path.toString("latin1", 0, at), path.toString("latin1", at)];
}

/** Whether a name without slashes is one component, which stands for itself. */
export function isComponent(name: string): boolean {
  if (name === "" || name === "." || name === ".." || name.length > limits.nameBytes) return false;
  return !name.includes("\0");
}

/** What {@link pathComponents} would throw, for less where nothing is odd: nearly always. */
export function checkPath(what: string, path: Buffer): void {
  // Short enough for one component, and for every limit on how many there are.
  if (path.length > limits.nameBytes || path.includes(0) || path.includes("..")) pathComponents(what, path);
}

/** An error about one entry of a layer. */
export function refused(
  what: string,
  path: Buffer,
  { code, problem }: { readonly code: LayerCode; readonly problem: string },
): LayerError {
  return new LayerError(code, `${what}: ${printable(path.toString("utf8"))}: ${problem}`);
}
