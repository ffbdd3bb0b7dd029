import { setTimeout as sleep } from "node:timers/promises";
import { interruption } from "./interruption.js";

/** Rejects at once when the signal is aborted, with ours: node's own AbortError would pass for a bug. */
export async function interruptibleSleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    throw interruption(signal);
  }
}
