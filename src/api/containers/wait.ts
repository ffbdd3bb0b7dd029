import { interruptibleSleep } from "../../core/interruptible-sleep.js";
import { existsSync } from "node:fs";
import type { Context } from "../context.js";
import { isUp, readContainer, type Container } from "./container.js";
import { attachSocket } from "./directory.js";
import { findContainer } from "./find.js";
import { isAlive } from "./process.js";

const firstPollMs = 5;
const longestPollMs = 100;

export interface EndOptions {
  /** How long to wait; without it until the end. */
  readonly timeoutMs?: number;
  /** Called when it runs as another process than before: its policy, or another command, has started it again. */
  readonly onNext?: (container: Container) => Promise<void>;
}

/** Resolves to the exit status once it has ended; at once if it never ran, as docker. @throws StoreError NOT_FOUND */
export async function waitForContainer(context: Context, word: string): Promise<number> {
  const container = await findContainer(context, word);
  // What it ended with is gone with its directory.
  if (container.state.autoRemove && container.pid !== 0 && existsSync(attachSocket(container.directory))) {
    const { watchSilently } = await import("../../helper/watch.js");
    return watchSilently((await context.helper()).path, container.directory, context.signal);
  }
  return (await untilEnded(context, container, {}))?.exitCode ?? 0;
}

/**
 * The container as it was when last seen, once it neither runs nor is about to be started again; undefined if it still
 * does after the time.
 */
export async function untilEnded(
  context: Context,
  container: Container,
  { timeoutMs = Infinity, onNext }: EndOptions,
): Promise<Container | undefined> {
  const deadline = Date.now() + timeoutMs;
  let last = container;
  for (let pause = firstPollMs; ; pause = Math.min(pause * 1.5, longestPollMs)) {
    const runs = last.pid !== 0 && last.status !== undefined && (await isAlive(last.status));
    if (!runs) {
      const now = await readContainer(await context.helper(), container.directory);
      if (now === undefined) return last;
      last = now;
      if (!isUp(now.phase)) return now;
      if (now.pid !== 0) await onNext?.(now);
    }
    if (Date.now() >= deadline) return undefined;
    await interruptibleSleep(Math.min(pause, Math.max(deadline - Date.now(), 0)), context.signal);
  }
}
