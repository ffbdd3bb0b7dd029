import type { Check } from "../../api/doctor/doctor.js";
import type { Invocation } from "../command.js";
import { inspectionContext } from "../inspection.js";
import { escapeText } from "../render/escape.js";
import { formatJson } from "../render/json.js";

export async function run(invocation: Invocation): Promise<number> {
  const { flags, print } = invocation;
  const context = await inspectionContext(invocation);
  const { diagnose } = await import("../../api/doctor/doctor.js");
  const diagnosis = await diagnose(context);
  if (flags.on("json")) print(formatJson(diagnosis));
  else print(textOf(diagnosis.checks));
  return diagnosis.usable ? 0 : 1;
}

const words = { ok: "ok", gap: "gap", broken: "BROKEN" } as const;

function textOf(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks
    .map(({ name, state, observed, fix }) => {
      const line = `${words[state].padEnd(8)}${name.padEnd(width + 2)}${escapeText(observed)}\n`;
      return fix === undefined ? line : `${line}${" ".repeat(8)}fix: ${escapeText(fix)}\n`;
    })
    .join("");
}
