import { jsonText } from "../render/json.js";
import { badTemplate } from "./problem.js";
import { raw, showValue, unwrap, type RawText } from "./values.js";

const verbs = /%([-+0]*)(\d*)(?:\.(\d+))?([a-zA-Z%])/g;

/** Go's fmt.Sprintf, with the verbs for what JSON has; what does not fit is a mistake, where Go prints `%!d(…)`. */
export function printf(format: string, values: readonly unknown[]): RawText {
  let next = 0;
  const text = format.replace(
    verbs,
    (whole, ...[flags = "", width, precision, verb = ""]: (string | undefined)[]) => {
      if (verb === "%") return "%";
      if (next >= values.length) throw badTemplate(`printf: no value for ${whole}`);
      const value = values[next++];
      const shown = formatted(verb, value, precision === undefined ? undefined : Number(precision));
      if (shown === undefined) throw badTemplate(`printf: ${showValue(value)} is nothing for ${whole}`);
      return padded(shown, flags, Math.min(Number(width), 1000));
    },
  );
  if (next < values.length) throw badTemplate(`printf: nothing takes ${showValue(values[next])}`);
  return raw(text);
}

function formatted(verb: string, value: unknown, precision: number | undefined): string | undefined {
  const plain = unwrap(value);
  switch (verb) {
    case "v":
      return showValue(value);
    case "s":
      return showValue(value).slice(0, precision);
    case "q":
      return typeof plain === "string" ? jsonText(plain) : undefined;
    case "t":
      return typeof plain === "boolean" ? String(plain) : undefined;
    case "d":
      return Number.isInteger(plain) ? String(plain) : undefined;
    case "x":
      return Number.isInteger(plain) ? (plain as number).toString(16) : undefined;
    case "f":
      return typeof plain === "number" ? plain.toFixed(Math.min(precision ?? 6, 100)) : undefined;
    default:
      return undefined;
  }
}

function padded(text: string, flags: string, width: number): string {
  const signed = flags.includes("+") && /^\d/.test(text) ? `+${text}` : text;
  if (flags.includes("-")) return signed.padEnd(width);
  return signed.padStart(width, flags.includes("0") ? "0" : " ");
}
