import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { errnoText } from "../../core/errno-hints.js";
import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";

/** The text of a file that a flag names: of other bytes than UTF-8, some would be lost. @throws UsageError BAD_VALUE */
export function readFlagFile(flag: string, file: string): string {
  const bytes = readBytes(flag, file);
  if (isUtf8(bytes)) return bytes.toString();
  throw new UsageError("BAD_VALUE", `${flag}: ${printable(file)}:${oddLine(bytes)}: is not UTF-8`, {
    hint: "iconv(1) turns other encodings into it",
  });
}

function readBytes(flag: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError("BAD_VALUE", `${flag}: ${printable(file)}: ${errnoText(error)}`, {
      hint: "name a file that is there and that this user may read",
      cause: error,
    });
  }
}

/** The number of the first line that is not UTF-8; a newline is no part of any longer character. */
function oddLine(bytes: Buffer): number {
  let [line, start] = [1, 0];
  for (let end = bytes.indexOf("\n"); end >= 0; end = bytes.indexOf("\n", start)) {
    if (!isUtf8(bytes.subarray(start, end))) break;
    line++;
    start = end + 1;
  }
  return line;
}
