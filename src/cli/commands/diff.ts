import type { FileChange } from "../../api/diff.js";
import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { escapeName } from "../render/escape.js";
import { bytesField, formatJson } from "../render/json.js";
import { formatSize } from "../render/units.js";

/** Docker's letters. */
const letters = { added: "A", changed: "C", removed: "D" } as const;

export async function run(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const [before = "", after = ""] = args;
  const context = await inspectionContext(invocation);
  const { diffImages } = await import("../../api/diff.js");
  const changes = await diffImages(context, before, after);
  if (flags.on("json")) invocation.print(formatJson(changes.map(changeJson), 0));
  else if (flags.on("quiet")) invocation.print(changes.map(({ path }) => `${escapeName(path)}\n`).join(""));
  else {
    invocation.print(changes.map(changeText).join(""));
    invocation.note(summary(changes));
  }
  return flags.on("exit-code") && changes.length > 0 ? 1 : 0;
}

function changeJson({ path, ...rest }: FileChange): Record<string, unknown> {
  return { ...bytesField("path", path), ...rest };
}

function changeText(change: FileChange): string {
  return `${letters[change.change]} ${escapeName(change.path)}${detail(change)}\n`;
}

function detail({ change, type, before, after, what }: FileChange): string {
  if (change === "changed") {
    const sizes = before === after ? "" : `, ${formatSize(before ?? 0)} -> ${formatSize(after ?? 0)}`;
    return ` (${what.join(", ")}${sizes})`;
  }
  return type === "file" ? ` (${formatSize(after ?? before ?? 0)})` : "";
}

function summary(changes: readonly FileChange[]): string {
  const of = (kind: FileChange["change"]): readonly FileChange[] =>
    changes.filter(({ change }) => change === kind);
  const bytes = (list: readonly FileChange[]): number =>
    list.reduce((sum, { before = 0, after = 0 }) => sum + after - before, 0);
  const part = (kind: FileChange["change"]): string =>
    `${of(kind).length} ${kind} (${signed(bytes(of(kind)))})`;
  return `${part("added")}, ${part("changed")}, ${part("removed")}`;
}

function signed(bytes: number): string {
  return bytes < 0 ? `-${formatSize(-bytes)}` : `+${formatSize(bytes)}`;
}
