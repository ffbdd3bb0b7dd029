import type { Flags } from "../command.js";

/** The option under its key, or nothing: an absent flag is an absent property. */
export function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

/** Docker takes `--name "$NAME"` with nothing in it for no such flag. */
export function nonEmpty(flags: Flags, name: string): string | undefined {
  const text = flags.text(name);
  return text === "" ? undefined : text;
}
