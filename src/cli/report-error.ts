import { AbortError, errnoOf, PullrunError, UsageError, type ErrorCode } from "../core/errors.js";
import { errnoHint } from "../core/errno-hints.js";
import { printable } from "../core/text.js";
import { stderr } from "./output.js";

const signalStatus: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };
const internalError = 70;
/** As a shell has it, for what starts containers. */
const execStatus: { readonly [C in ErrorCode]?: number } = { EXEC_NOT_FOUND: 127, EXEC_DENIED: 126 };

/** Prints the error as one line and a hint, and returns the exit status. Only bugs show a stack. */
export function reportError(
  error: unknown,
  options: { readonly failure: 1 | 125; readonly debug: boolean },
): number {
  const problem = machineProblem(error);
  if (problem !== undefined) {
    stderr().write(`pullrun: ${problem.message}\nhint: ${problem.hint}\n`);
    return options.failure;
  }
  if (!(error instanceof PullrunError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    stderr().write(`pullrun: internal error, please report it\n${text}\n`);
    return internalError;
  }
  if (error instanceof AbortError) return signalStatus[String(error.info.details?.["signal"])] ?? 130;
  stderr().write(`pullrun: ${error.message}\n`);
  if (error.hint !== undefined) stderr().write(`hint: ${error.hint}\n`);
  if (options.debug) stderr().write(`${error.stack ?? ""}\n`);
  if (error instanceof UsageError && options.failure === 1) return 2;
  return options.failure === 125 ? (execStatus[error.code as ErrorCode] ?? 125) : options.failure;
}

/** What the machine refuses is no bug of ours, wherever it comes up. */
function machineProblem(error: unknown): { readonly message: string; readonly hint: string } | undefined {
  if (error instanceof PullrunError || !(error instanceof Error) || !("syscall" in error)) return undefined;
  // A relative path was to be resolved.
  if (error.syscall === "uv_cwd") {
    return { message: "current directory: deleted (expected one that is there)", hint: "cd to another" };
  }
  const hint = errnoHint(errnoOf(error) ?? "");
  return hint === undefined ? undefined : { message: printable(error.message, 300), hint };
}
