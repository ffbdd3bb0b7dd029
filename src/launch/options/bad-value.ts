import { UsageError } from "../../core/errors.js";

/** For a flag whose value no container could start with. */
export function badValue(flag: string, observed: string, expected: string): UsageError {
  return new UsageError("BAD_VALUE", `${flag}: ${observed === "" ? '""' : observed} (expected ${expected})`);
}
