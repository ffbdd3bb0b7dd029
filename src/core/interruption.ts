import { AbortError, isOurs, type PullrunError } from "./errors.js";

/** The error an aborted signal stands for: its own reason if that is one of ours. */
export function interruption(signal: AbortSignal): PullrunError {
  const reason: unknown = signal.reason;
  return isOurs(reason) ? reason : new AbortError("INTERRUPTED", "interrupted", { cause: reason });
}

/** @throws AbortError, or the signal's own reason */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw interruption(signal);
}

/** `promise`, or the interruption if the signal comes first; the work itself goes on. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  throwIfAborted(signal);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(interruption(signal));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
