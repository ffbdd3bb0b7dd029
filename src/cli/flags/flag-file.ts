import { readFileSync } from "node:fs";
import { errnoText } from "../../core/errno-hints.js";
import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";

/** The text of a file that a flag names. @throws UsageError BAD_VALUE */
export function readFlagFile(flag: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError("BAD_VALUE", `${flag}: ${printable(file)}: ${errnoText(error)}`, {
      hint: "name a file that is there and that this user may read",
      cause: error,
    });
  }
}
