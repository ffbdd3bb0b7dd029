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
  if (kind !== "exec" && kind !== "working-dir") return "HELPER_FAILED";
  return exitStatus === 127 ? "EXEC_NOT_FOUND" : "EXEC_DENIED";
}

/** The helper escapes bytes above 0x7f one by one, since a path need not be UTF-8. */
function fromBytes(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
}

/** When a step of the plan began and how long it took (helper/util.c, report_time). */
export interface StepTime {
  /** Counted from 1. */
  readonly step: number;
  /** Milliseconds of CLOCK_MONOTONIC, as `process.hrtime` has it. */
  readonly began: number;
  readonly ms: number;
}

/** The times of steps among the lines of `status`. */
export function stepTimesFrom(status: string): StepTime[] {
  // What follows the last line end was cut.
  const lines = status.split("\n").slice(0, -1);
  return lines
    .map((line) => JSON.parse(line) as { step: number; began?: number; ns?: number })
    .flatMap(({ step, began, ns }) =>
      began === undefined || ns === undefined ? [] : [{ step, began: began / 1e6, ms: ns / 1e6 }],
    );
}

/** What failed among the lines of `status`, or undefined. */
export function failedStepFrom(status: string): { readonly step: number; readonly what: string } | undefined {
  const line = status.split("\n").find((text) => text.startsWith("{") && text.includes('"kind":'));
  const error = line === undefined ? undefined : failureFrom(`${line}\n`, 0);
  if (error === undefined) return undefined;
  return { step: Number(error.info.details?.["step"]), what: error.message };
}
