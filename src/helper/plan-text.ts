import { printable } from "../core/text.js";
import { capabilityNames, cloneFlags, mountFlags, resources } from "./constants.js";
import { stepLayouts } from "./plan-encoding.js";
import type { Plan, PlanStep } from "./plan.js";

/** The plan for people (`--dry-run`): one line per step, numbered as in the helper's errors. Empty fields are left out. */
export function formatPlan(plan: Plan): string {
  const width = String(plan.length).length;
  return plan.map((step, index) => `${String(index + 1).padStart(width)}. ${formatStep(step)}\n`).join("");
}

/** One step, without its number. */
export function formatStep(step: PlanStep): string {
  const values = step as unknown as Readonly<Record<string, unknown>>;
  const fields = stepLayouts[step.kind].fields
    .filter((field) => !isEmpty(values[field]))
    .map((field) => ` ${field}=${formatField(step.kind, field, values[field])}`);
  return `${step.kind}${fields.join("")}${step.optional === true ? " (may fail)" : ""}`;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === "";
}

function formatField(kind: string, field: string, value: unknown): string {
  if (value instanceof Uint8Array) return `(${value.length} bytes)`;
  if (typeof value === "bigint") return kind === "credentials" ? formatCapabilities(value) : String(value);
  if (typeof value === "number") return formatNumber(kind, field, value);
  if (Array.isArray(value)) return `[${value.map((item) => quote(String(item))).join(" ")}]`;
  return quote(String(value));
}

function formatNumber(kind: string, field: string, value: number): string {
  if (kind === "seccomp") return `0x${value.toString(16)}`;
  if (field === "flags" || field === "topFlags" || field === "propagation")
    return formatFlags(value, kind === "clone" || kind === "unshare" ? cloneFlags : mountFlags);
  if (field.startsWith("namespace")) return formatFlags(value, cloneFlags);
  if (field === "mode" || field === "mask") return `0${value.toString(8)}`;
  if (field === "resource") return resources[value] ?? String(value);
  return String(value);
}

function formatFlags(value: number, names: Readonly<Record<string, number>>): string {
  const known = Object.entries(names).filter(([, bit]) => (value & bit) !== 0);
  const rest = known.reduce((left, [, bit]) => left & ~bit, value);
  const words = known.map(([name]) => name);
  if (rest !== 0) words.push(`0x${(rest >>> 0).toString(16)}`);
  return words.length === 0 ? "0" : words.join("|");
}

function formatCapabilities(mask: bigint): string {
  const names = capabilityNames.filter((_, bit) => (mask >> BigInt(bit)) & 1n);
  if (names.length === 0) return "none";
  return names.length === capabilityNames.length ? "all" : names.join("|");
}

const plain = /^[\w./:=,@%+|-]+$/;

function quote(text: string): string {
  return plain.test(text) ? text : printable(JSON.stringify(text), Infinity);
}
