import { access, constants, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import { errnoText } from "../core/errno-hints.js";
import { errnoOf, UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";

/** A configuration file's text, or undefined where there is none. @throws UsageError BAD_CONFIG if it cannot be read */
export async function readConfig(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const errno = errnoOf(error);
    if (isAbsent(errno)) return undefined;
    // HOME of somebody else, as after setpriv or `su` without a login: what lies in there is not meant for us.
    if (errno === "EACCES" && !(await maySearch(dirname(path)))) return undefined;
    throw badConfig(path, `cannot be read: ${errnoText(error)}`);
  }
}

async function maySearch(directory: string): Promise<boolean> {
  return access(directory, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** True for the errno of a path that is not there, or that no file could have. */
export function isAbsent(errno: string | undefined): boolean {
  return errno === "ENOENT" || errno === "ENOTDIR" || errno === "ENAMETOOLONG";
}

/** A file's text where the configuration names the file. @throws UsageError BAD_CONFIG, also if it is not there */
export async function readNamed(path: string): Promise<string> {
  const text = await readConfig(path);
  if (text === undefined) throw badConfig(path, "no such file");
  return text;
}

/**
 * A TOML file's text by `schema`; only here is a parser loaded. @throws UsageError BAD_CONFIG naming file and line, never
 * quoting: headers hold secrets
 */
export async function parseToml<T>(
  path: string,
  text: string,
  schema: v.GenericSchema<unknown, T>,
): Promise<T> {
  const content = v.safeParse(schema, await valueOf(path, text));
  if (content.success) return content.output;
  const [issue] = content.issues;
  throw badConfig(path, `${v.getDotPath(issue) ?? "content"}: ${issue.message}`);
}

async function valueOf(path: string, text: string): Promise<unknown> {
  const { parse, TomlError } = await import("smol-toml");
  try {
    return parse(text);
  } catch (error) {
    throw badConfig(path, error instanceof TomlError ? `line ${error.line}: not TOML` : "not TOML");
  }
}

export function badConfig(path: string, problem: string): UsageError {
  return new UsageError("BAD_CONFIG", `registry configuration: ${printable(path)}: ${printable(problem)}`, {
    hint: "repair the file, or move it away",
  });
}
