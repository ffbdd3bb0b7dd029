import { jsonText } from "../render/json.js";
import { printf } from "./printf.js";
import { badTemplate } from "./problem.js";
import { isMap, isRawText, isTrue, raw, showValue, unwrap } from "./values.js";

type TemplateFunction = (args: readonly unknown[]) => unknown;

/** Docker's functions, and those of Go's own that inspection needs. A Map: names come from the template. */
export const functions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ["json", ([value]) => jsonText(unwrap(value) ?? null)],
  ["join", ([list, separator]) => raw(elements("join", list).map(showValue).join(text("join", separator)))],
  ["split", ([value, separator]) => text("split", value).split(text("split", separator))],
  ["upper", ([value]) => mapText("upper", value, (word) => word.toUpperCase())],
  ["lower", ([value]) => mapText("lower", value, (word) => word.toLowerCase())],
  ["title", ([value]) => mapText("title", value, capitalize)],
  ["truncate", ([value, length]) => part("truncate", value, [0, unwrap(length)])],
  ["slice", ([value, ...ends]) => part("slice", value, ends.map(unwrap))],
  [
    "pad",
    ([value, before, after]) =>
      mapText("pad", value, (word) => spaces(unwrap(before)) + word + spaces(unwrap(after))),
  ],
  ["len", ([value]) => lengthOf(unwrap(value))],
  ["index", ([value, ...keys]) => keys.map(unwrap).reduce(element, value)],
  ["print", (args) => raw(printed(args))],
  ["println", (args) => raw(`${args.map(showValue).join(" ")}\n`)],
  ["printf", ([format, ...values]) => printf(text("printf", format), values)],
  ["eq", ([value, ...others]) => others.map(unwrap).includes(unwrap(value))],
  ["ne", ([a, b]) => unwrap(a) !== unwrap(b)],
  ["lt", ([a, b]) => compare("lt", unwrap(a), unwrap(b)) < 0],
  ["le", ([a, b]) => compare("le", unwrap(a), unwrap(b)) <= 0],
  ["gt", ([a, b]) => compare("gt", unwrap(a), unwrap(b)) > 0],
  ["ge", ([a, b]) => compare("ge", unwrap(a), unwrap(b)) >= 0],
  ["not", ([value]) => !isTrue(value)],
  ["and", (args) => args.find((value) => !isTrue(value)) ?? args.at(-1)],
  ["or", (args) => args.find(isTrue) ?? args.at(-1)],
]);

function text(name: string, value: unknown): string {
  const plain = unwrap(value);
  if (typeof plain === "string") return plain;
  throw badTemplate(`${name}: ${showValue(value)} is not a string`);
}

/** The result is as safe as the argument was. */
function mapText(name: string, value: unknown, change: (text: string) => string): unknown {
  const changed = change(text(name, value));
  return isRawText(value) ? raw(changed) : changed;
}

/** From one position to before another; an end beyond the text is the text's. */
function part(name: string, value: unknown, [from = 0, to]: readonly unknown[]): unknown {
  const isPosition = (at: unknown): at is number => Number.isInteger(at) && (at as number) >= 0;
  if (!isPosition(from) || (to !== undefined && !isPosition(to)))
    throw badTemplate(`${name}: ${showValue(isPosition(from) ? to : from)} is no position`);
  if (Array.isArray(value)) return value.slice(from, to);
  return mapText(name, value, (word) => word.slice(from, to));
}

function spaces(count: unknown): string {
  if (typeof count === "number" && count >= 0 && count <= 1000) return " ".repeat(count);
  throw badTemplate(`pad: ${showValue(count)} is no number from 0 to 1000`);
}

function capitalize(words: string): string {
  return words.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
}

/** Go's fmt.Sprint: a space between two values of which neither is a text. */
function printed(args: readonly unknown[]): string {
  const apart = (i: number): boolean => i > 0 && !isText(args[i - 1]) && !isText(args[i]);
  return args.map((value, i) => `${apart(i) ? " " : ""}${showValue(value)}`).join("");
}

function isText(value: unknown): boolean {
  return typeof unwrap(value) === "string";
}

function elements(name: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  throw badTemplate(`${name}: ${showValue(value)} is not a list`);
}

/** Bytes of a string, as in Go; elements of a list or map. */
function lengthOf(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (isMap(value)) return Object.keys(value).length;
  throw badTemplate(`len: ${showValue(value)} has no length`);
}

/** A key a map does not have is "", as docker's users know it of labels; an index out of range is an error. */
function element(value: unknown, key: unknown): unknown {
  if (Array.isArray(value) && typeof key === "number") {
    if (Number.isInteger(key) && key >= 0 && key < value.length) return value[key] as unknown;
    throw badTemplate(`index: ${key} is out of range (the list has ${value.length})`);
  }
  if (isMap(value) && typeof key === "string") return Object.hasOwn(value, key) ? value[key] : "";
  throw badTemplate(`index: ${showValue(value)} cannot be indexed by ${showValue(key)}`);
}

function compare(name: string, a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a > b ? 1 : 0;
  throw badTemplate(`${name}: ${showValue(a)} and ${showValue(b)} are not both numbers or both strings`);
}
