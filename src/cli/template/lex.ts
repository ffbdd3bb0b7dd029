import { badTemplate } from "./problem.js";

/** A template cut into text and the tokens of each `{{action}}`. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly tokens: readonly Token[] };

export type Token =
  | { readonly kind: "literal"; readonly value: string | number | boolean | null }
  /** `.A.B`, `$`, `$name.A`; `variable` is empty for the dot. */
  | { readonly kind: "field"; readonly variable: string; readonly path: readonly string[] }
  | { readonly kind: "word"; readonly text: string }
  | { readonly kind: "mark"; readonly text: "|" | "(" | "," | ":=" | "=" }
  /** `)`, and the fields of what it closes: `).A.B`. */
  | { readonly kind: "close"; readonly path: readonly string[] };

const words: ReadonlyMap<string, boolean | null> = new Map([
  ["true", true],
  ["false", false],
  ["nil", null],
]);

/** @throws UsageError BAD_VALUE */
export function lexTemplate(template: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimNext = false;
  for (;;) {
    const open = template.indexOf("{{", at);
    let text = template.slice(at, open < 0 ? undefined : open);
    if (trimNext) text = text.trimStart();
    if (open < 0) return withText(pieces, text);
    const trimBefore = /^\{\{-\s/.test(template.slice(open, open + 4));
    withText(pieces, trimBefore ? text.trimEnd() : text);
    const action = lexAction(template, open + (trimBefore ? 3 : 2));
    if (action.tokens.length > 0) pieces.push({ kind: "action", tokens: action.tokens });
    at = action.end;
    trimNext = action.trimAfter;
  }
}

/** On a command line `\t` and `\n` are two characters each; like docker we take them for what they mean. */
function withText(pieces: Piece[], text: string): Piece[] {
  if (text !== "") {
    pieces.push({ kind: "text", text: text.replaceAll("\\t", "\t").replaceAll("\\n", "\n") });
  }
  return pieces;
}

const comment = /\s*\/\*[^]*?\*\/\s*(-?)\}\}/y;
const end = /(\s-)?\}\}/y;
const space = /\s+/y;
const token =
  /("(?:[^"\\\n]|\\.)*"|`[^`]*`)|(-?\d+(?:\.\d+)?)|(\$\w*(?:\.[A-Za-z_]\w*)*|(?:\.[A-Za-z_]\w*)+|\.)|([A-Za-z_]\w*)|(:=|[|(,=])|\)((?:\.[A-Za-z_]\w*)*)/y;

/** Tokens from `from` to the closing braces, and where the text goes on. */
function lexAction(template: string, from: number) {
  const skipped = match(comment, template, from);
  if (skipped !== undefined) return { tokens: [], end: comment.lastIndex, trimAfter: skipped[1] === "-" };
  const tokens: Token[] = [];
  for (let at = from; ;) {
    const closed = match(end, template, at);
    if (closed !== undefined) return { tokens, end: end.lastIndex, trimAfter: closed[1] !== undefined };
    if (match(space, template, at) !== undefined) {
      at = space.lastIndex;
      continue;
    }
    const found = match(token, template, at);
    if (found === undefined) throw badTemplate(problemAt(template, at));
    tokens.push(toToken(found));
    at = token.lastIndex;
  }
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

function toToken([, quoted, number, field, word, mark, fields]: RegExpExecArray): Token {
  if (quoted !== undefined) return { kind: "literal", value: unquote(quoted) };
  if (number !== undefined) return { kind: "literal", value: Number(number) };
  if (field !== undefined) {
    const [variable = "", ...path] = field.split(".");
    return { kind: "field", variable, path: path.filter((name) => name !== "") };
  }
  if (fields !== undefined) return { kind: "close", path: fields.split(".").slice(1) };
  if (word === undefined) return { kind: "mark", text: mark as "|" };
  const value = words.get(word);
  return value === undefined ? { kind: "word", text: word } : { kind: "literal", value };
}

/** Go's quoted strings, as far as they are JSON's; backquoted ones are taken as they are. */
function unquote(quoted: string): string {
  if (quoted.startsWith("`")) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw badTemplate(`${quoted} is not a string`);
  }
}

function problemAt(template: string, at: number): string {
  return at >= template.length
    ? "{{ without }}"
    : `unexpected ${JSON.stringify(template.slice(at, at + 10))}`;
}
