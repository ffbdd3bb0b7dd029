import { escapeText } from "../render/escape.js";

const rawText = Symbol("raw text");

/** Text to be printed as it is: written in the template, or already made safe. Unlike strings, which are an image's. */
export interface RawText {
  readonly [rawText]: string;
}

export function raw(text: string): RawText {
  return { [rawText]: text };
}

/** A raw text as the string it is; anything else unchanged. */
export function unwrap(value: unknown): unknown {
  return isRawText(value) ? value[rawText] : value;
}

export function isRawText(value: unknown): value is RawText {
  return typeof value === "object" && value !== null && rawText in value;
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Go's truth: not false, zero, empty or absent. */
export function isTrue(value: unknown): boolean {
  if (isRawText(value)) return value[rawText] !== "";
  if (Array.isArray(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== "";
}

/** A value as Go's `%v` prints it; control characters in strings, which images choose, are spelt out. */
export function showValue(value: unknown): string {
  if (isRawText(value)) return value[rawText];
  if (value === undefined || value === null) return "<no value>";
  if (Array.isArray(value)) return `[${value.map(showValue).join(" ")}]`;
  if (isMap(value)) {
    const pairs = Object.keys(value).sort();
    return `map[${pairs.map((key) => `${escapeText(key)}:${showValue(value[key])}`).join(" ")}]`;
  }
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- only strings, numbers and booleans are left
  return escapeText(String(value));
}
