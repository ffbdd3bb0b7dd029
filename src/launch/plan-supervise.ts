import { inputPolicies, restartPolicies, type PlanStep } from "../helper/plan.js";
import type { Process } from "./oci-spec.js";
import type { RestartPolicy } from "./options/life.js";

/** How a container in the background is looked after. */
export interface Supervision {
  /** Size at which its log is rotated; 0 keeps none. */
  readonly logBytes: number;
  readonly input: keyof typeof inputPolicies;
  readonly restart: RestartPolicy;
}

export interface KeepInput {
  readonly containerDir: string;
  /** Undefined: in the foreground, with our own streams and never a terminal. */
  readonly supervision?: Supervision | undefined;
  readonly process: Process;
}

/** In the host phase, right after the lock. */
export function keepSteps({ containerDir, supervision, process }: KeepInput): PlanStep[] {
  const record: PlanStep = { kind: "record", directory: containerDir };
  return supervision === undefined
    ? [record]
    : [record, superviseStep(containerDir, supervision, process.terminal)];
}

export interface StreamsInput {
  readonly process: Process;
  /** Whether the container gets our stdin. */
  readonly interactive: boolean;
  /** A root without a devpts of its own. */
  readonly chroot?: true;
  /** Not the container's first program: /dev/console stays what it is. */
  readonly joining?: true;
}

/** Before the pivot, when /dev is there: a terminal, or at least no standard input. */
export function streamSteps({ process, interactive, chroot, joining }: StreamsInput): PlanStep[] {
  if (!process.terminal) return interactive ? [] : [{ kind: "stdin-null" }];
  const console = chroot || joining ? 0 : 1;
  return [{ kind: "terminal", uid: process.user.uid, console, host: chroot ? 1 : 0 }];
}

/** `directory` is "" for a program that has no directory of its own, as `exec`'s: no log, and nobody attaches later. */
export function superviseStep(
  directory: string,
  { logBytes, input, restart }: Supervision,
  terminal = false,
): PlanStep {
  return {
    kind: "supervise",
    directory,
    logBytes,
    terminal: terminal ? 1 : 0,
    input: inputPolicies[input],
    restart: restartPolicies[restart.name === "unless-stopped" ? "always" : restart.name],
    retries: restart.maximum ?? 0,
  };
}
