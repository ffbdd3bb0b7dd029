import {
  IntegrityError,
  NetworkError,
  RegistryError,
  type ErrorCode,
  type PullrunError,
} from "../core/errors.js";
import { interruptibleSleep } from "../core/interruptible-sleep.js";
import { isSilence } from "./network-errors.js";

/** Told before each wait. `attempt` counts from 1: the attempt that failed. */
export interface RetryNotice {
  readonly what: string;
  readonly attempt: number;
  readonly code: ErrorCode;
  readonly waitMs: number;
}

export interface RetryOptions {
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
  /** First pause in milliseconds, doubled each time and jittered; for tests. */
  readonly baseMs?: number | undefined;
  readonly signal: AbortSignal;
}

const attempts = 3;
const defaultBaseMs = 1000;
const longestPauseMs = 10_000;
/** A registry that wants a longer pause than this gets no retry: the user should know and decide. */
const longestRetryAfterMs = 30_000;

/** Runs `task`, up to 3 times while it fails in a way that may pass. */
export async function withRetries<T>(
  what: string,
  task: () => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await task();
    } catch (error) {
      // Wrong bytes get one clean second chance: a broken cache node, not a broken image.
      const allowed = error instanceof IntegrityError ? 2 : attempts;
      if (attempt >= allowed || !mayPass(error)) throw error;
      await pause(what, error, { ...options, attempt });
    }
  }
}

/**
 * True for failures that another attempt may not meet: 408, 429, 5xx, resets, timeouts, wrong bytes. A registry that
 * takes a request and then says nothing for half a minute is not asked again: that would be a minute and a half.
 */
export function mayPass(error: unknown): error is PullrunError {
  if (error instanceof IntegrityError) return true;
  if (error instanceof NetworkError) {
    return error.code === "RESET" || (error.code === "TIMEOUT" && !isSilence(error));
  }
  if (!(error instanceof RegistryError)) return false;
  const retryable = error.code === "RATE_LIMITED" || error.code === "UPSTREAM";
  return retryable && (retryAfterOf(error) ?? 0) <= longestRetryAfterMs;
}

/** Waits before attempt `attempt + 1`: as long as the registry asked, else a doubling pause with jitter. */
export async function pause(
  what: string,
  error: PullrunError,
  options: RetryOptions & { readonly attempt: number },
): Promise<void> {
  const { attempt, signal } = options;
  const doubled = Math.min((options.baseMs ?? defaultBaseMs) * 2 ** (attempt - 1), longestPauseMs);
  const waitMs = Math.round(retryAfterOf(error) ?? doubled * (0.5 + Math.random() / 2));
  options.onRetry?.({ what, attempt, code: error.code, waitMs });
  await interruptibleSleep(waitMs, signal);
}

function retryAfterOf(error: PullrunError): number | undefined {
  const wait = error.info.details?.["retryAfterMs"];
  return typeof wait === "number" ? wait : undefined;
}
