import type { ExplainFormat } from "../explain/explanation.js";
import type { FlagSpec, Flags } from "../command.js";

/**
 * Each value is a flag of its own, `=` included: commander would take the image's name for a value that may be left out.
 */
export const explainFlags: readonly FlagSpec[] = [
  { flags: "--explain", description: "say on stderr, step by step, what was done and how long it took" },
  { flags: "--explain=text", description: "the same" },
  { flags: "--explain=json", description: "as one JSON document" },
  { flags: "--explain=mermaid", description: "as a Mermaid sequence diagram" },
  { flags: "--explain=trace", description: "as a Chrome trace, for Perfetto" },
];

const formats: readonly ExplainFormat[] = ["json", "mermaid", "trace", "text"];

/** Undefined: nothing is to be explained. */
export function explainFormatOf(flags: Flags): ExplainFormat | undefined {
  const named = formats.find((format) => flags.on(`explain=${format}`));
  return named ?? (flags.on("explain") ? "text" : undefined);
}
