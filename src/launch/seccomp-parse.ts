import { UsageError } from "../core/errors.js";
import { parseUntrustedJson } from "../core/json.js";
import { printable } from "../core/text.js";
import type {
  ProfileRule,
  RuleCondition,
  SeccompAction,
  SeccompArg,
  SeccompFlag,
  SeccompOperator,
  SeccompProfile,
} from "./seccomp-profile.js";

const actions: readonly SeccompAction[] = [
  "SCMP_ACT_KILL",
  "SCMP_ACT_KILL_PROCESS",
  "SCMP_ACT_KILL_THREAD",
  "SCMP_ACT_TRAP",
  "SCMP_ACT_ERRNO",
  "SCMP_ACT_TRACE",
  "SCMP_ACT_ALLOW",
  "SCMP_ACT_LOG",
];
const operators: readonly SeccompOperator[] = [
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
];
const flagNames: readonly SeccompFlag[] = [
  "SECCOMP_FILTER_FLAG_TSYNC",
  "SECCOMP_FILTER_FLAG_LOG",
  "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
];
/** The kernel cuts what is higher (MAX_ERRNO). */
const maxErrno = 4095;

/** A file's text, docker's shape (`includes`, `archMap`) or OCI's, which is a part of it. */
export interface SeccompFile {
  readonly file: string;
  readonly text: string;
}

/** @throws UsageError BAD_VALUE */
export function parseSeccompProfile({ file, text }: SeccompFile): SeccompProfile {
  const at = `--security-opt: seccomp profile ${printable(file, 200)}`;
  let json: unknown;
  try {
    json = parseUntrustedJson(Buffer.from(text));
  } catch (error) {
    throw bad(at, `is no JSON: ${printable(error instanceof Error ? error.message : "", 100)}`, "an object");
  }
  const read = reader(at);
  const top = read.object(json, "the profile");
  if (top["listenerPath"] !== undefined)
    throw bad(at, "listenerPath", "none: pullrun asks no other program about system calls");
  return {
    defaultAction: read.oneOf(top["defaultAction"], actions, "defaultAction"),
    ...optional("defaultErrnoRet", top["defaultErrnoRet"], (value) =>
      read.integer(value, maxErrno, "defaultErrnoRet"),
    ),
    ...optional("flags", top["flags"], (value) =>
      read.list(value, "flags").map((flag) => read.oneOf(flag, flagNames, "flags")),
    ),
    ...optional("architectures", top["architectures"], (value) => read.strings(value, "architectures")),
    ...optional("archMap", top["archMap"], (value) =>
      read.list(value, "archMap").map((entry) => archMapOf(read, entry)),
    ),
    syscalls: read.list(top["syscalls"] ?? [], "syscalls").map((rule) => ruleOf(read, rule)),
  };
}

type Json = Readonly<Record<string, unknown>>;
type Reader = ReturnType<typeof reader>;

function archMapOf(read: Reader, value: unknown): { architecture: string; subArchitectures: string[] } {
  const { architecture, subArchitectures } = read.object(value, "archMap");
  return {
    architecture: read.string(architecture, "architecture"),
    subArchitectures: read.strings(subArchitectures ?? [], "subArchitectures"),
  };
}

function ruleOf(read: Reader, value: unknown): ProfileRule {
  const rule = read.object(value, "syscalls");
  const names = rule["names"] ?? (rule["name"] === undefined ? undefined : [rule["name"]]);
  return {
    names: read.strings(names, "names"),
    action: read.oneOf(rule["action"], actions, "action"),
    ...optional("errnoRet", rule["errnoRet"], (errno) => read.integer(errno, maxErrno, "errnoRet")),
    ...optional("args", rule["args"], (args) => read.list(args, "args").map((arg) => argOf(read, arg))),
    ...optional("includes", rule["includes"], (condition) => conditionOf(read, condition)),
    ...optional("excludes", rule["excludes"], (condition) => conditionOf(read, condition)),
  };
}

function argOf(read: Reader, value: unknown): SeccompArg {
  const arg = read.object(value, "args");
  return {
    index: read.integer(arg["index"], 5, "index"),
    value: read.integer(arg["value"], Number.MAX_SAFE_INTEGER, "value"),
    ...optional("valueTwo", arg["valueTwo"], (two) => read.integer(two, Number.MAX_SAFE_INTEGER, "valueTwo")),
    op: read.oneOf(arg["op"], operators, "op"),
  };
}

function conditionOf(read: Reader, value: unknown): RuleCondition {
  const condition = read.object(value, "includes and excludes");
  return {
    ...optional("caps", condition["caps"], (caps) => read.strings(caps, "caps")),
    ...optional("arches", condition["arches"], (arches) => read.strings(arches, "arches")),
    ...optional("minKernel", condition["minKernel"], (kernel) => read.string(kernel, "minKernel")),
  };
}

/** Docker's own writes `null` and empty strings for what is not there. */
function optional<K extends string, V>(
  key: K,
  value: unknown,
  parse: (value: unknown) => V,
): { [P in K]?: V } {
  return (value === undefined || value === null ? {} : { [key]: parse(value) }) as { [P in K]?: V };
}

/** Values of the expected types, or the error that names the file. */
function reader(at: string) {
  const shown = (value: unknown): string =>
    value === undefined ? "nothing" : printable(JSON.stringify(value), 60);
  const string = (value: unknown, what: string): string => {
    if (typeof value === "string") return value;
    throw bad(at, `${what} ${shown(value)}`, "a string");
  };
  const list = (value: unknown, what: string): readonly unknown[] => {
    if (Array.isArray(value)) return value as readonly unknown[];
    throw bad(at, `${what} ${shown(value)}`, "a list");
  };
  return {
    string,
    list,
    strings: (value: unknown, what: string): string[] => list(value, what).map((item) => string(item, what)),
    object: (value: unknown, what: string): Json => {
      if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
      throw bad(at, `${what} ${shown(value)}`, "an object");
    },
    integer: (value: unknown, max: number, what: string): number => {
      if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max)
        return value as number;
      throw bad(at, `${what} ${shown(value)}`, `a whole number up to ${max}`);
    },
    oneOf: <T extends string>(value: unknown, known: readonly T[], what: string): T => {
      const found = known.find((word) => word === value);
      if (found !== undefined) return found;
      throw bad(at, `${what} ${shown(value)}`, `one of ${known.join(", ")}`);
    },
  };
}

function bad(at: string, observed: string, expected: string): UsageError {
  return new UsageError("BAD_VALUE", `${at}: ${observed} (expected ${expected})`);
}
