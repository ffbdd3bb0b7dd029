import { lexTemplate, type Piece, type Token } from "./lex.js";
import { functions } from "./functions.js";
import { badTemplate, templateLimits } from "./problem.js";

export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly value: Expression }
  | {
      readonly kind: "assign";
      readonly variable: string;
      readonly declare: boolean;
      readonly value: Expression;
    }
  | (Branches & { readonly kind: "if" | "with" })
  /** `range $first, $second := value`; one variable alone is the element. */
  | (Branches & { readonly kind: "range"; readonly variables: readonly string[] });

interface Branches {
  readonly value: Expression;
  readonly then: readonly TemplateNode[];
  readonly otherwise: readonly TemplateNode[];
}

export type Expression =
  | { readonly kind: "literal"; readonly value: string | number | boolean | null }
  | { readonly kind: "field"; readonly variable: string; readonly path: readonly string[] }
  /** `(index .Ports 0).HostPort` */
  | { readonly kind: "member"; readonly of: Expression; readonly path: readonly string[] }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] };

interface Input {
  readonly pieces: readonly Piece[];
  at: number;
  depth: number;
}

/** The subset of Go's text/template that docker's users need. @throws UsageError BAD_VALUE */
export function parseTemplate(template: string): readonly TemplateNode[] {
  if (template.length > templateLimits.templateBytes) throw badTemplate("the template is too long");
  const input: Input = { pieces: lexTemplate(template), at: 0, depth: 0 };
  const { nodes, stop } = parseNodes(input);
  if (stop !== undefined) throw badTemplate(`{{${stop.word}}} without {{if}}, {{range}} or {{with}}`);
  return nodes;
}

interface Stop {
  readonly word: "end" | "else";
  readonly rest: readonly Token[];
}

/** Nodes up to an `end` or `else` that is not theirs. */
function parseNodes(input: Input): { nodes: TemplateNode[]; stop?: Stop } {
  if (++input.depth > templateLimits.depth) throw badTemplate("nested too deeply");
  const nodes: TemplateNode[] = [];
  for (let piece = input.pieces[input.at++]; piece !== undefined; piece = input.pieces[input.at++]) {
    if (piece.kind === "text") nodes.push(piece);
    else {
      const [first, ...rest] = piece.tokens;
      const word = first?.kind === "word" ? first.text : "";
      if (word === "end" || word === "else") {
        input.depth--;
        return { nodes, stop: { word, rest } };
      }
      nodes.push(isBlock(word) ? parseBlock(input, word, rest) : parseAction(piece.tokens));
    }
  }
  input.depth--;
  return { nodes };
}

function isBlock(word: string): word is "if" | "with" | "range" {
  return word === "if" || word === "with" || word === "range";
}

function parseBlock(input: Input, kind: "if" | "with" | "range", tokens: readonly Token[]): TemplateNode {
  const assignment = kind === "range" ? splitVariables(tokens) : { variables: [], rest: tokens };
  const value = parsePipeline(assignment.rest);
  const { nodes: then, stop } = parseNodes(input);
  const otherwise = stop?.word === "else" ? parseElse(input, stop.rest) : [];
  if (stop === undefined) throw badTemplate(`{{${kind}}} without {{end}}`);
  const branches = { value, then, otherwise };
  return kind === "range" ? { kind, ...branches, variables: assignment.variables } : { kind, ...branches };
}

/** What follows an `else`: the rest of the block, or for `else if` a block of its own that shares the `end`. */
function parseElse(input: Input, rest: readonly Token[]): readonly TemplateNode[] {
  const [first, ...tokens] = rest;
  if (first?.kind === "word" && isBlock(first.text)) return [parseBlock(input, first.text, tokens)];
  if (first !== undefined) throw badTemplate("unexpected text after else");
  const { nodes, stop } = parseNodes(input);
  if (stop?.word !== "end") throw badTemplate("{{else}} without {{end}}");
  return nodes;
}

function splitVariables(tokens: readonly Token[]): { variables: string[]; rest: readonly Token[] } {
  const assign = tokens.findIndex((token) => token.kind === "mark" && token.text === ":=");
  if (assign < 0) return { variables: [], rest: tokens };
  const variables = tokens
    .slice(0, assign)
    .flatMap((token) => (token.kind === "field" && token.path.length === 0 ? [token.variable] : []));
  const isList = variables.length >= 1 && variables.length <= 2 && assign === variables.length * 2 - 1;
  if (!isList || variables.includes("")) throw badTemplate("range takes $VALUE or $KEY, $VALUE before :=");
  return { variables, rest: tokens.slice(assign + 1) };
}

function parseAction(tokens: readonly Token[]): TemplateNode {
  const [target, sign, ...rest] = tokens;
  if (target?.kind !== "field" || sign?.kind !== "mark" || (sign.text !== ":=" && sign.text !== "=")) {
    return { kind: "print", value: parsePipeline(tokens) };
  }
  const { variable, path } = target;
  if (variable.length < 2 || path.length > 0) throw badTemplate("only a $variable can be assigned to");
  return { kind: "assign", variable, declare: sign.text === ":=", value: parsePipeline(rest) };
}

/** `a | f x | g`: what is left of a bar becomes the last argument of what is right of it. */
function parsePipeline(tokens: readonly Token[]): Expression {
  const queue = [...tokens];
  const value = parseCommands(queue);
  if (queue.length > 0) throw badTemplate("a ) too many");
  return value;
}

function parseCommands(queue: Token[], depth = 0): Expression {
  if (depth > templateLimits.depth) throw badTemplate("nested too deeply");
  let value = parseCommand(queue, undefined, depth);
  while (isBar(queue[0])) {
    queue.shift();
    value = parseCommand(queue, value, depth);
  }
  return value;
}

function parseCommand(queue: Token[], piped: Expression | undefined, depth: number): Expression {
  const first = queue[0];
  if (first?.kind === "word") {
    queue.shift();
    if (!functions.has(first.text)) {
      throw badTemplate(`no function ${first.text}`, `there are: ${[...functions.keys()].join(", ")}`);
    }
    const args = parseArguments(queue, depth);
    return { kind: "call", name: first.text, args: piped === undefined ? args : [...args, piped] };
  }
  if (piped !== undefined) throw badTemplate("expected a function after |");
  const value = parseOperand(queue, depth);
  if (endsCommand(queue[0])) return value;
  // Docker's `.Label "KEY"`, the one method of its lists.
  if (value.kind !== "field" || value.path.at(-1) !== "Label")
    throw badTemplate("a value that is no function takes no arguments");
  return { kind: "call", name: "index", args: [value, ...parseArguments(queue, depth)] };
}

function parseArguments(queue: Token[], depth: number): Expression[] {
  const args: Expression[] = [];
  while (!endsCommand(queue[0])) args.push(parseOperand(queue, depth));
  return args;
}

function parseOperand(queue: Token[], depth: number): Expression {
  const token = queue.shift();
  if (token === undefined) throw badTemplate("a value is missing");
  if (token.kind === "word") throw badTemplate(`put ${token.text} and its arguments in parentheses`);
  if (token.kind === "close") throw badTemplate("unexpected )");
  if (token.kind !== "mark") return token;
  if (token.text !== "(") throw badTemplate(`unexpected ${token.text}`);
  const value = parseCommands(queue, depth + 1);
  const close = queue.shift();
  if (close?.kind !== "close") throw badTemplate("a ( without )");
  return close.path.length === 0 ? value : { kind: "member", of: value, path: close.path };
}

function endsCommand(token: Token | undefined): boolean {
  return token === undefined || token.kind === "close" || isBar(token);
}

function isBar(token: Token | undefined): boolean {
  return token?.kind === "mark" && token.text === "|";
}
