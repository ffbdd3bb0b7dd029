import { phases, type Explanation, type ExplainStep } from "./explanation.js";

const phaseWidth = Math.max(...phases.map((phase) => phase.length));

/** A line per step: its number, when it began, how long it took, who did what. `-`: not known, or a moment. */
export function textOf({ steps, totalMs, exitStatus }: Explanation): string {
  const numberWidth = String(steps.length).length;
  const lines = steps.map((step, index) => `${String(index + 1).padStart(numberWidth)}. ${lineOf(step)}`);
  const status = exitStatus === undefined ? "" : `, exit status ${exitStatus}`;
  return [...lines, `${steps.length} steps in ${milliseconds(totalMs).trim()}${status}`].join("\n");
}

function lineOf({ phase, what, at, ms }: ExplainStep): string {
  return `${milliseconds(at)} ${milliseconds(ms)}  ${phase.padEnd(phaseWidth)}  ${what}`;
}

function milliseconds(value: number | undefined): string {
  return (value === undefined ? "-" : `${value.toFixed(2)}ms`).padStart(11);
}
