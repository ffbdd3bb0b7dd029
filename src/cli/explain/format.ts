import { jsonText } from "../render/json.js";
import type { ExplainFormat, Explanation } from "./explanation.js";
import { mermaidOf } from "./mermaid.js";
import { textOf } from "./text.js";
import { traceOf } from "./trace.js";

/** The explanation as the user wants it, without a line end. */
export function formatExplanation(explanation: Explanation, format: ExplainFormat): string {
  switch (format) {
    case "text":
      return textOf(explanation);
    case "json":
      return jsonOf(explanation);
    case "mermaid":
      return mermaidOf(explanation);
    case "trace":
      return traceOf(explanation);
  }
}

/** Times in milliseconds, to the microsecond; steps are counted from 1. */
function jsonOf({ command, totalMs, exitStatus, steps }: Explanation): string {
  const round = (value: number | undefined): number | undefined =>
    value === undefined ? undefined : Math.round(value * 1000) / 1000;
  const numbered = steps.map(({ phase, what, at, ms }, index) => ({
    step: index + 1,
    phase,
    what,
    at: round(at),
    ms: round(ms),
  }));
  return jsonText({ command, totalMs: round(totalMs), exitStatus, steps: numbered }, 2);
}
