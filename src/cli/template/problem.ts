import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";

/** What is wrong with a `--format` template, or with applying it to what there is. */
export function badTemplate(problem: string, hint?: string): UsageError {
  return new UsageError("BAD_VALUE", `--format: ${printable(problem)}`, hint === undefined ? {} : { hint });
}

/** Templates come from the user, but the lists they range over come from images. */
export const templateLimits = {
  templateBytes: 64 * 1024,
  outputBytes: 64 * 1024 * 1024,
  depth: 50,
  steps: 5_000_000,
} as const;
