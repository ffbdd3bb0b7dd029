import { limits } from "./limits.js";
import { printable } from "./text.js";

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;

/**
 * JSON from outside. Refuses what `JSON.parse` would accept to our harm: nesting deep enough to make later recursive
 * walks overflow, a key that an object has twice (readers differ in which one counts, so that one digest could mean two
 * images), invalid UTF-8, and a byte order mark. Linear in the length of the text. @throws SyntaxError
 */
export function parseUntrustedJson(bytes: Uint8Array): unknown {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  checkShape(text);
  return JSON.parse(text);
}

/** An array or object that is not closed yet; of an object the keys so far. */
interface Open {
  readonly keys: Set<string> | undefined;
}

/** Looks at brackets, commas and strings only: what else may be wrong is for the parser to say. */
function checkShape(text: string): void {
  const open: Open[] = [];
  let atKey = false;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x7b: // {
      case 0x5b: // [
        atKey = text.charCodeAt(i) === 0x7b;
        if (open.push({ keys: atKey ? new Set() : undefined }) > limits.jsonDepth)
          throw new SyntaxError(`nested deeper than ${limits.jsonDepth} levels`);
        break;
      case 0x7d: // }
      case 0x5d: // ]
        open.pop();
        break;
      case comma:
        atKey = open.at(-1)?.keys !== undefined;
        break;
      case quote: {
        const end = endOfString(text, i);
        const keys = open.at(-1)?.keys;
        if (atKey && keys !== undefined) addKey(keys, text.slice(i, end));
        atKey = false;
        i = end - 1;
      }
    }
  }
}

/** Where the string that begins at `start` has ended; the text's end if it does not. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === quote) return i + 1;
    if (unit === backslash) i++;
  }
  return text.length;
}

/** `literal` with its quotes. Escapes are undone: `"layers"` and `"\u006cayers"` are one key. */
function addKey(keys: Set<string>, literal: string): void {
  const key = literal.includes("\\") ? (JSON.parse(literal) as string) : literal.slice(1, -1);
  if (keys.has(key)) throw new SyntaxError(`the key ${printable(key, 60)} is there twice`);
  keys.add(key);
}
