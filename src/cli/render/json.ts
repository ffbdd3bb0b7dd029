import { isUtf8 } from "node:buffer";
import { controls } from "../../core/text.js";

/** JSON for a terminal too: control characters that JSON.stringify leaves alone (DEL, C1, bidi) are `\u` escapes. */
export function formatJson(value: unknown, indent: 0 | 2 = 2): string {
  return `${jsonText(value, indent)}\n`;
}

/** The same as part of something else: without the line break at its end. */
export function jsonText(value: unknown, indent: 0 | 2 = 0): string {
  return JSON.stringify(value, null, indent).replace(controls, (character) =>
    character === "\n" ? "\n" : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A list on one line, bit by bit, for those too long to be there all at once. */
export function* formatJsonList<T>(list: Iterable<T>, of: (element: T) => unknown): Generator<string, void> {
  let before = "[";
  for (const element of list) {
    yield before + jsonText(of(element));
    before = ",";
  }
  yield before === "[" ? "[]\n" : "]\n";
}

/**
 * Bytes under `key` as JSON can have them: as text where they are UTF-8; else U+FFFD stands for what is not, and
 * `KEYBytes` has all of them in base64.
 */
export function bytesField(key: string, bytes: Buffer): Record<string, string> {
  const text = { [key]: bytes.toString("utf8") };
  return isUtf8(bytes) ? text : { ...text, [`${key}Bytes`]: bytes.toString("base64") };
}
