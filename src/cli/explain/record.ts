import type { Emit, Exchange, OnExchange, PullEvent } from "../../core/events.js";
import { shortDigest } from "../render/digest.js";
import { plainLine, resolvedLine } from "../render/lines.js";
import type { Explanation, ExplainStep, Phase } from "./explanation.js";
import { layerSteps } from "./layers.js";

export interface Recorder {
  readonly emit: Emit;
  readonly onExchange: OnExchange;
  /** Something done at this moment. */
  mark(phase: Phase, what: string): void;
  /** Something done that is known otherwise; `at` on the clock. */
  add(step: ExplainStep): void;
  /** Everything so far. */
  explanation(command: Explanation["command"], exitStatus?: number): Explanation;
}

/** Keeps what a pull or run tells. `clock` gives milliseconds. */
export function createRecorder(clock: () => number): Recorder {
  const begin = clock();
  const steps: ExplainStep[] = [];
  const layers = layerSteps();
  const open = new Map<string, number>();
  const add = (step: ExplainStep): void => void steps.push(step);

  function close(key: string, phase: Phase, what: string): void {
    const at = open.get(key) ?? clock();
    open.delete(key);
    add({ phase, what, at, ms: clock() - at });
  }

  function record(event: PullEvent): void {
    switch (event.type) {
      case "resolving":
        return void open.set(event.reference, clock());
      case "resolved":
        return close(event.reference, "resolve", `${resolvedLine(event)}, ${event.digest}`);
      case "layer":
        return layers(event, clock()).forEach(add);
      case "rootfs":
        return event.state === "building"
          ? void open.set(event.chainId, clock())
          : close(event.chainId, "rootfs", rootfsWords(event));
      case "pulled":
        return add({ phase: "store", what: `${event.reference} named`, at: clock() });
      default:
        return add({ phase: "notice", what: plainLine(event) ?? event.type, at: clock() });
    }
  }

  return {
    emit: record,
    onExchange(exchange) {
      const step = exchangeStep(exchange, clock());
      // Layers come after all names are resolved.
      add(exchange.kind === "blob" && open.size > 0 ? { ...step, phase: "config" } : step);
    },
    mark: (phase, what) => add({ phase, what, at: clock() }),
    add,
    explanation(command, exitStatus) {
      const since = steps.map(({ at, ...step }) => (at === undefined ? step : { ...step, at: at - begin }));
      return {
        command,
        steps: inOrder(since),
        totalMs: clock() - begin,
        ...(exitStatus === undefined ? {} : { exitStatus }),
      };
    },
  };
}

function rootfsWords({ chainId, state }: Extract<PullEvent, { type: "rootfs" }>): string {
  return `root file system ${shortDigest(chainId)}: ${state === "done" ? "built" : "already here"}`;
}

const exchangePhases: Readonly<Record<Exchange["kind"], Phase>> = {
  probe: "registry",
  token: "token",
  manifest: "manifest",
  blob: "blob",
  other: "registry",
};

function exchangeStep({ kind, method, url, status, ms }: Exchange, now: number): ExplainStep {
  const answer = status === 0 ? "no answer" : String(status);
  return { phase: exchangePhases[kind], what: `${method} ${url}: ${answer}`, at: now - ms, ms };
}

/** By when they began; what has no time stays behind what it follows. */
function inOrder(steps: readonly ExplainStep[]): ExplainStep[] {
  let last = 0;
  const keyed = steps.map((step) => ({ step, key: (last = step.at ?? last) }));
  return keyed.sort((a, b) => a.key - b.key).map(({ step }) => step);
}

/** Milliseconds of the clock that the helper's times are of, CLOCK_MONOTONIC. */
export function hostClock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
