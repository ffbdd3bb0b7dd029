import { LaunchError, type LaunchCode } from "../core/errors.js";
import { printable } from "../core/text.js";

/** What the helper writes to its status descriptor when a step fails: one JSON line (helper/util.c, report_failure). */
interface Failure {
  /** Counted from 1, as {@link formatPlan} does; 0 when the plan as a whole was at fault. */
  readonly step: number;
  readonly kind: string;
  /** Name of the errno, or "" where there was none. */
  readonly errno: string;
  readonly object: string;
  readonly what: string;
  readonly error: string;
  readonly hint: string;
}

/** The error for the first failure in `status`, undefined if there is none. `exitStatus` is the helper's own. */
export function failureFrom(status: string, exitStatus: number): LaunchError | undefined {
  const end = status.indexOf("\n");
  if (end < 0) return undefined;
  const failure = JSON.parse(status.slice(0, end)) as Failure;
  const object = fromBytes(failure.object);
  const words = [fromBytes(failure.what), object, failure.error].filter((part) => part !== "");
  return new LaunchError(codeOf(failure.kind, exitStatus), printable(words.join(": "), 1000), {
    ...(failure.hint === "" ? {} : { hint: fromBytes(failure.hint) }),
    details: {
      step: failure.step,
      kind: failure.kind,
      errno: failure.errno,
      object: printable(object),
      exitStatus,
    },
  });
}

function codeOf(kind: string, exitStatus: number): LaunchCode {
  if (kind !== "exec") return "HELPER_FAILED";
  return exitStatus === 127 ? "EXEC_NOT_FOUND" : "EXEC_DENIED";
}

/** The helper escapes bytes above 0x7f one by one, since a path need not be UTF-8. */
function fromBytes(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
}
