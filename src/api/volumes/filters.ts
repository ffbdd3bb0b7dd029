import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { Volume } from "./volume.js";

export type VolumeFilter = (volume: Volume, used: boolean) => boolean;

const hint = "there are: name=TEXT, label=KEY[=VALUE], dangling=true|false, driver=local";

/** Docker's `--filter KEY=VALUE`s for volumes; all have to fit. @throws UsageError BAD_VALUE */
export function volumeFilter(texts: readonly string[]): VolumeFilter {
  const filters = texts.map(parseFilter);
  return (volume, used) => filters.every((fits) => fits(volume, used));
}

function parseFilter(text: string): VolumeFilter {
  const [key = "", ...rest] = text.split("=");
  const value = rest.join("=");
  if (value === "") throw bad(text, "is not KEY=VALUE");
  switch (key) {
    case "name":
      return ({ name }) => name.includes(value);
    case "label":
      return ({ labels }) => hasLabel(labels, value);
    case "label!":
      return ({ labels }) => !hasLabel(labels, value);
    case "driver":
      return () => value === "local";
    case "dangling":
      if (!/^(?:true|false|1|0)$/.test(value)) throw bad(text, "is neither true nor false");
      return (_, used) => used === (value === "false" || value === "0");
    default:
      throw bad(key, "is no filter");
  }
}

function hasLabel(labels: Volume["labels"], text: string): boolean {
  const [key = "", ...rest] = text.split("=");
  return Object.hasOwn(labels, key) && (rest.length === 0 || labels[key] === rest.join("="));
}

function bad(text: string, problem: string): UsageError {
  return new UsageError("BAD_VALUE", `--filter: ${printable(text, 60)}: ${problem}`, { hint });
}
