import { accessSync, constants, existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { errnoText } from "../../core/errno-hints.js";
import { errnoOf, UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";

/** Before the container is made. @throws UsageError BAD_VALUE */
export function checkIdFile(file: string): void {
  if (existsSync(file)) throw idFileExists(file);
  try {
    accessSync(path.dirname(file), constants.W_OK);
  } catch (error) {
    throw cannotWrite(file, error);
  }
}

/** @throws UsageError BAD_VALUE */
export function writeIdFile(file: string, id: string): void {
  try {
    writeFileSync(file, id, { flag: "wx" });
  } catch (error) {
    throw errnoOf(error) === "EEXIST" ? idFileExists(file) : cannotWrite(file, error);
  }
}

function cannotWrite(file: string, cause: unknown): UsageError {
  return new UsageError("BAD_VALUE", `--cidfile: ${printable(file)}: ${errnoText(cause)}`, {
    hint: "name a new file in a directory that is there and that this user may write to",
    cause,
  });
}

function idFileExists(file: string): UsageError {
  return new UsageError("BAD_VALUE", `--cidfile: ${printable(file)}: is there already`, {
    hint: "delete it if its container is gone, or name another",
  });
}
