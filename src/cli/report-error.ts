import { AbortError, PullrunError, UsageError, type ErrorCode } from "../core/errors.js";

const signalStatus: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };
const internalError = 70;
/** As a shell has it, for what starts containers. */
const execStatus: { readonly [C in ErrorCode]?: number } = { EXEC_NOT_FOUND: 127, EXEC_DENIED: 126 };

/** Prints the error as one line and a hint, and returns the exit status. Only bugs show a stack. */
export function reportError(
  error: unknown,
  options: { readonly failure: 1 | 125; readonly debug: boolean },
): number {
  if (!(error instanceof PullrunError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`pullrun: internal error, please report it\n${text}\n`);
    return internalError;
  }
  if (error instanceof AbortError) return signalStatus[String(error.info.details?.["signal"])] ?? 130;
  process.stderr.write(`pullrun: ${error.message}\n`);
  if (error.hint !== undefined) process.stderr.write(`hint: ${error.hint}\n`);
  if (options.debug) process.stderr.write(`${error.stack ?? ""}\n`);
  if (error instanceof UsageError && options.failure === 1) return 2;
  return options.failure === 125 ? (execStatus[error.code as ErrorCode] ?? 125) : options.failure;
}
