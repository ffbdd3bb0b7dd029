import { limits } from "./limits.js";

const openers = new Set([0x7b, 0x5b]);
const closers = new Set([0x7d, 0x5d]);
const quote = 0x22;
const backslash = 0x5c;

/**
 * JSON from outside. Refuses what `JSON.parse` would accept to our harm: nesting deep enough to make later recursive
 * walks overflow, invalid UTF-8, and a byte order mark. @throws SyntaxError
 */
export function parseUntrustedJson(bytes: Uint8Array): unknown {
  if (depthOf(bytes) > limits.jsonDepth)
    throw new SyntaxError(`nested deeper than ${limits.jsonDepth} levels`);
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  return JSON.parse(text);
}

function depthOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (inString) {
      if (byte === backslash) i++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) inString = true;
    else if (openers.has(byte)) deepest = Math.max(deepest, ++depth);
    else if (closers.has(byte)) depth--;
  }
  return deepest;
}
