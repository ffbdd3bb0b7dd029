import { existsSync, writeFileSync } from "node:fs";
import { errnoText } from "../../core/errno-hints.js";
import { errnoOf, UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";

/** Before the container is made. @throws UsageError BAD_VALUE */
export function checkIdFile(file: string): void {
  if (existsSync(file)) throw idFileExists(file);
}

/** @throws UsageError BAD_VALUE */
export function writeIdFile(file: string, id: string): void {
  try {
    writeFileSync(file, id, { flag: "wx" });
  } catch (error) {
    if (errnoOf(error) === "EEXIST") throw idFileExists(file);
    const message = `--cidfile: ${printable(file)}: ${errnoText(error)}`;
    throw new UsageError("BAD_VALUE", message, { cause: error });
  }
}

function idFileExists(file: string): UsageError {
  return new UsageError("BAD_VALUE", `--cidfile: ${printable(file)}: is there already`, {
    hint: "delete it if its container is gone, or name another",
  });
}
