import { UsageError } from "../core/errors.js";
import { printable } from "../core/text.js";

/** Docker's default. */
export const defaultDetachKeys = "ctrl-p,ctrl-q";

/** helper/raw.h. */
const maxKeys = 16;

/**
 * Keys in docker's notation (`a`, `ctrl-a` … `ctrl-z`, `ctrl-@ [ \ ] ^ _`, comma-separated; `""` for none) as the helper
 * takes them: their bytes in hexadecimal.
 * @throws UsageError BAD_VALUE
 */
export function encodeDetachKeys(text: string): string {
  const keys = text === "" ? [] : text.split(",").map((key) => keyByte(key));
  if (keys.length > maxKeys || keys.includes(undefined)) throw badKeys(text);
  return Buffer.from(keys as number[]).toString("hex");
}

function keyByte(key: string): number | undefined {
  const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
  if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
  return /^[\x20-\x7e]$/.test(key) ? key.charCodeAt(0) : undefined;
}

function badKeys(text: string): UsageError {
  return new UsageError(
    "BAD_VALUE",
    `--detach-keys: ${printable(text, 80)}: not keys (expected up to ${maxKeys} of a letter or ctrl-LETTER, with commas)`,
    { hint: `for example --detach-keys ${defaultDetachKeys}, or "" for none` },
  );
}
