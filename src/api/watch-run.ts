import type { ClientOptions } from "../helper/process.js";
import type { PlanStep } from "../helper/plan.js";
import { planFile } from "./containers/directory.js";
import type { PreparedRun } from "./run.js";

/** One step of the helper's plan, and when it ran if that is known. */
export interface WatchedStep {
  readonly kind: PlanStep["kind"];
  /** As `--dry-run` shows it. */
  readonly text: string;
  /** Milliseconds of `process.hrtime`. */
  readonly began?: number;
  readonly ms?: number;
  /** Why it failed, where it did. */
  readonly problem?: string;
}

export interface WatchedRun {
  readonly exitStatus: number;
  readonly steps: readonly WatchedStep[];
}

export interface WatchOptions {
  /** Undefined: it is started in the background, and that is all that is waited for. */
  readonly client: ClientOptions | undefined;
  /** Whether our standard input is a terminal, whose keys send signals to the container's helper as to us. */
  readonly terminal: boolean;
}

/** As becomeContainer or runDetached, but as a child: what it did, step by step, once that has ended. @throws LaunchError */
export async function watchContainer(prepared: PreparedRun, options: WatchOptions): Promise<WatchedRun> {
  const [{ watchHelper }, { failedStepFrom, stepTimesFrom }] = await Promise.all([
    import("../helper/watch.js"),
    import("../helper/status.js"),
  ]);
  const { helperPath, directory, supervised } = prepared;
  const { exitStatus, status } = await watchHelper(helperPath, planFile(directory), {
    terminal: options.terminal,
    how: supervised ? (options.client ?? "detached") : "run",
  });
  const times = new Map(stepTimesFrom(status).map(({ step, ...time }) => [step, time]));
  const failed = failedStepFrom(status);
  const steps = await planSteps(prepared);
  return {
    exitStatus,
    steps: steps.map((step, i) => ({
      ...step,
      ...times.get(i + 1),
      ...(failed?.step === i + 1 ? { problem: failed.what } : {}),
    })),
  };
}

/** What the plan has in store. */
async function planSteps({ plan }: PreparedRun): Promise<WatchedStep[]> {
  const { formatStep } = await import("../helper/plan-text.js");
  return plan.map((step) => ({ kind: step.kind, text: formatStep(withoutValues(step)) }));
}

/** Variables may hold secrets, and explanations are made to be shown to others. */
function withoutValues(step: PlanStep): PlanStep {
  if (step.kind !== "environment") return step;
  return { ...step, entries: step.entries.map((entry) => entry.slice(0, entry.indexOf("="))) };
}
