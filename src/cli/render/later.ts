import type { Emit, PullEvent } from "../../core/events.js";
import type { Env } from "../env.js";
import type { ProgressOptions } from "./progress.js";

export interface LaterProgress {
  readonly emit: Emit;
  /** Shows what is still to be shown. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Progress for commands that may pull but mostly do not: looking at the terminal and loading what draws on it costs more
 * than all else such a command does before it starts a container, so that waits for the first event worth showing.
 */
export function progressWhenNeeded(env: Env, options: ProgressOptions): LaterProgress {
  let early: PullEvent[] | undefined = [];
  let show: Emit = (event) => early?.push(event);
  let started: Promise<() => void> | undefined;

  async function start(): Promise<() => void> {
    const { startProgress } = await import("./progress.js");
    const { emit, stop } = await startProgress(env, options);
    early?.forEach(emit);
    early = undefined;
    show = emit;
    return stop;
  }

  return {
    emit(event) {
      if (event.type === "rootfs" && event.state === "exists") return;
      started ??= start();
      show(event);
    },
    async stop() {
      (await started)?.();
    },
  };
}
