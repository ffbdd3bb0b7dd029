import { isUtf8 } from "node:buffer";
import { controls } from "../../core/text.js";

/**
 * A file name for people: printable text as it is, everything else in C's spelling, so that different names always
 * look different. Control characters are `\n`, `\t` or `\x1b`, bytes that are not UTF-8 `\xff`, a backslash `\\`.
 */
export function escapeName(name: Buffer): string {
  const plain = name.toString("latin1");
  if (!escaped.test(plain)) return plain;
  const text = isUtf8(name) ? name.toString("utf8") : name.toString("latin1").replace(highBytes, byteEscape);
  return isUtf8(name) ? escapeText(text.replaceAll("\\", "\\\\")) : escapeText(text);
}

/** Bytes of which a name has none, nearly always: they are no ASCII, or the rules below are about them. */
const escaped = /[^\x20-\x5b\x5d-\x7e]/;

/** Text from an image for one line of output: what a terminal would act upon is spelt out; nothing is cut. */
export function escapeText(text: string): string {
  return text.replace(controls, escapeCharacter);
}

/** In text that is not UTF-8 the backslash is escaped in the same step, as it must not touch the escapes made here. */
const highBytes = /[\\\x80-\xff]/g;

function byteEscape(byte: string): string {
  return byte === "\\" ? "\\\\" : `\\x${byte.charCodeAt(0).toString(16)}`;
}

function escapeCharacter(character: string): string {
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  const code = character.charCodeAt(0);
  return code < 0x80
    ? `\\x${code.toString(16).padStart(2, "0")}`
    : `\\u${code.toString(16).padStart(4, "0")}`;
}
