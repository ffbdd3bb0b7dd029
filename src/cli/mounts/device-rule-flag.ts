import { UsageError } from "../../core/errors.js";
import { printable } from "../../core/text.js";
import type { DeviceRule } from "../../launch/oci-spec.js";

const syntax = /^([acb]) ([0-9]{1,9}|\*):([0-9]{1,9}|\*) ([rwm]{1,3})$/;

/**
 * Docker's `--device-cgroup-rule 'TYPE MAJOR:MINOR ACCESS'`. To the kernel's v1 files `a 1:3 r` is everything, whatever its
 * numbers and letters are: here `a` takes no numbers, and its letters count. @throws UsageError BAD_VALUE
 */
export function parseDeviceRule(text: string): DeviceRule[] {
  const [, type, major = "", minor = "", access = ""] = syntax.exec(text) ?? [];
  const numbers = { ...numbered("major", major), ...numbered("minor", minor) };
  if (type === undefined || (type === "a" && Object.keys(numbers).length > 0)) throw bad(text);
  if (type !== "a") return [{ allow: true, type: type as "b" | "c", ...numbers, access }];
  if (["r", "w", "m"].every((letter) => access.includes(letter))) return [{ allow: true, access: "rwm" }];
  return [
    { allow: true, type: "b", access },
    { allow: true, type: "c", access },
  ];
}

function numbered(name: "major" | "minor", text: string): Partial<Record<"major" | "minor", number>> {
  return text === "*" || text === "" ? {} : { [name]: Number(text) };
}

function bad(text: string): UsageError {
  return new UsageError(
    "BAD_VALUE",
    `--device-cgroup-rule: ${printable(text, 80)}: not a rule (expected c or b, MAJOR:MINOR and rwm, or 'a *:* rwm')`,
    { hint: "`ls -l /dev` shows type and numbers: 'c 189:* rwm' is every USB device" },
  );
}
