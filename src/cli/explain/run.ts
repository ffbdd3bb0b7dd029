import type { ClientOptions } from "../../api/containers/client.js";
import type { Context } from "../../api/context.js";
import type { PreparedRun, RunRequest } from "../../api/run.js";
import type { WatchedStep } from "../../api/watch-run.js";
import type { Invocation } from "../command.js";
import { contextOf } from "../context.js";
import { stdinIsTerminal } from "../env.js";
import type { ExplainFormat } from "./explanation.js";
import { formatExplanation } from "./format.js";
import { addPlanSteps } from "./plan-steps.js";
import { createRecorder, hostClock, type Recorder } from "./record.js";

export interface ExplainedRun {
  readonly request: RunRequest;
  readonly client: ClientOptions;
  readonly format: ExplainFormat;
}

/** `run`, with this process staying to tell how it went, also where it failed. */
export async function runExplained(invocation: Invocation, run: ExplainedRun): Promise<number> {
  const recorder = createRecorder(hostClock);
  let exitStatus: number | undefined;
  try {
    const context = {
      ...(await contextOf(invocation, recorder.emit)),
      onExchange: recorder.onExchange,
    };
    exitStatus = await carryOut(invocation, context, { ...run, recorder });
    return exitStatus ?? 0;
  } finally {
    invocation.note(formatExplanation(recorder.explanation("run", exitStatus), run.format));
  }
}

type Recorded = ExplainedRun & { readonly recorder: Recorder };

/** The container's exit status; undefined where it has not ended yet, or was not started. */
async function carryOut(
  { flags, signal, print }: Invocation,
  context: Context,
  { request, client, recorder }: Recorded,
): Promise<number | undefined> {
  const { prepareRun, describeRun } = await import("../../api/run.js");
  const { watchContainer } = await import("../../api/watch-run.js");
  const prepared = await prepareRun(context, request);
  recorder.mark("prepare", `container ${prepared.containerId}: specification and plan made`);
  if (flags.on("dry-run")) {
    print(await describeRun(context, prepared));
    return undefined;
  }
  signal.throwIfAborted();
  const began = hostClock();
  const { detached } = request.life;
  const watched = await watchContainer(prepared, {
    client: detached ? undefined : client,
    terminal: stdinIsTerminal(),
  });
  tell(recorder, { prepared, steps: watched.steps, began });
  if (detached && watched.exitStatus === 0) {
    recorder.mark("exec", "its program runs in the background");
    print(`${prepared.containerId}\n`);
    return undefined;
  }
  recorder.mark("exit", `helper ended, exit status ${watched.exitStatus}`);
  return watched.exitStatus;
}

interface Done {
  readonly prepared: PreparedRun;
  readonly steps: readonly WatchedStep[];
  readonly began: number;
}

function tell(recorder: Recorder, { prepared, steps, began }: Done): void {
  const what = `${prepared.helperPath} carries out a plan of ${prepared.plan.length} steps`;
  recorder.add({ phase: "prepare", what, at: began, ms: hostClock() - began });
  addPlanSteps(recorder, steps, { began, ended: hostClock() });
}
