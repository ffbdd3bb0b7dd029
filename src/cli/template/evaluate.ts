import { functions } from "./functions.js";
import type { Expression, TemplateNode } from "./parse.js";
import { badTemplate, templateLimits } from "./problem.js";
import { isMap, isTrue, raw, showValue } from "./values.js";

/** Fields that are maps in docker's types: their keys are an image's or a user's, and one that is not there no mistake. */
const freeMaps: ReadonlySet<string> = new Set([
  "Annotations",
  "ExposedPorts",
  "Labels",
  "Networks",
  "Options",
  "PortBindings",
  "Ports",
  "Sysctls",
  "Tmpfs",
  "Volumes",
]);

interface Run {
  readonly root: unknown;
  readonly output: string[];
  bytes: number;
  steps: number;
}

interface Scope {
  readonly dot: unknown;
  readonly variables: Map<string, { value: unknown }>;
}

/** Applies a template to plain data (JSON values). @throws UsageError BAD_VALUE */
export function evaluateTemplate(nodes: readonly TemplateNode[], root: unknown): string {
  const run: Run = { root, output: [], bytes: 0, steps: 0 };
  evaluate(run, nodes, { dot: root, variables: new Map() });
  return run.output.join("");
}

function evaluate(run: Run, nodes: readonly TemplateNode[], scope: Scope): void {
  for (const node of nodes) {
    step(run);
    switch (node.kind) {
      case "text":
        write(run, node.text);
        break;
      case "print":
        write(run, showValue(valueOf(run, node.value, scope)));
        break;
      case "assign":
        assign(scope, node, valueOf(run, node.value, scope));
        break;
      case "if": {
        const branch = isTrue(valueOf(run, node.value, scope)) ? node.then : node.otherwise;
        evaluate(run, branch, inner(scope, scope.dot));
        break;
      }
      case "with": {
        const value = valueOf(run, node.value, scope);
        if (isTrue(value)) evaluate(run, node.then, inner(scope, value));
        else evaluate(run, node.otherwise, inner(scope, scope.dot));
        break;
      }
      case "range":
        evaluateRange(run, node, scope);
    }
  }
}

function evaluateRange(run: Run, node: Extract<TemplateNode, { kind: "range" }>, scope: Scope): void {
  const pairs = pairsOf(valueOf(run, node.value, scope));
  if (pairs.length === 0) return evaluate(run, node.otherwise, inner(scope, scope.dot));
  const [first, second] = node.variables;
  for (const [key, value] of pairs) {
    const scoped = inner(scope, value);
    if (first !== undefined) scoped.variables.set(first, { value: second === undefined ? value : key });
    if (second !== undefined) scoped.variables.set(second, { value });
    evaluate(run, node.then, scoped);
  }
}

/** Elements with their keys, maps in order of their keys as in Go. */
function pairsOf(value: unknown): (readonly [unknown, unknown])[] {
  if (Array.isArray(value)) return value.map((element: unknown, i) => [i, element] as const);
  if (isMap(value)) {
    return Object.keys(value)
      .sort()
      .map((key) => [key, value[key]] as const);
  }
  if (value === null || value === undefined) return [];
  throw badTemplate(`range: ${showValue(value)} is neither a list nor a map`);
}

function assign(scope: Scope, node: Extract<TemplateNode, { kind: "assign" }>, value: unknown): void {
  const existing = scope.variables.get(node.variable);
  if (node.declare) scope.variables.set(node.variable, { value });
  else if (existing === undefined) throw unknownVariable(node.variable);
  else existing.value = value;
}

/** Variables declared inside end with the block; those of outside can be changed from it. */
function inner(scope: Scope, dot: unknown): Scope {
  return { dot, variables: new Map(scope.variables) };
}

function valueOf(run: Run, expression: Expression, scope: Scope): unknown {
  step(run);
  switch (expression.kind) {
    case "literal":
      return typeof expression.value === "string" ? raw(expression.value) : expression.value;
    case "field":
      return expression.path.reduce(field, start(run, expression.variable, scope));
    case "member":
      return expression.path.reduce(field, valueOf(run, expression.of, scope));
    case "call": {
      const args = expression.args.map((argument) => valueOf(run, argument, scope));
      if (args.length === 0) throw badTemplate(`${expression.name} without arguments`);
      return functions.get(expression.name)?.(args);
    }
  }
}

function start(run: Run, variable: string, scope: Scope): unknown {
  if (variable === "") return scope.dot;
  if (variable === "$") return run.root;
  const found = scope.variables.get(variable);
  if (found === undefined) throw unknownVariable(variable);
  return found.value;
}

function field(value: unknown, name: string, at: number, path: readonly string[]): unknown {
  if (isMap(value) && Object.hasOwn(value, name)) return value[name];
  // Docker's JSON has Id for what its types call ID, and its templates take both.
  if (name === "ID" && isMap(value) && Object.hasOwn(value, "Id")) return value["Id"];
  if (isMap(value) && freeMaps.has(path[at - 1] ?? "")) return undefined;
  if (!isMap(value)) throw badTemplate(`.${name}: ${showValue(value)} has no fields`);
  throw badTemplate(`no field .${name}`, `there are: ${Object.keys(value).join(", ")}`);
}

function unknownVariable(name: string): Error {
  return badTemplate(`no variable ${name}`);
}

function step(run: Run): void {
  if (++run.steps > templateLimits.steps) throw badTemplate("the template takes too long");
}

function write(run: Run, text: string): void {
  run.bytes += text.length;
  if (run.bytes > templateLimits.outputBytes) throw badTemplate("the output is too long");
  run.output.push(text);
}
