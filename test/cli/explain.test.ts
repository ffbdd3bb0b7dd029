import { describe, expect, test } from "vitest";
import { formatExplanation } from "../../src/cli/explain/format.js";
import type { Explanation } from "../../src/cli/explain/explanation.js";
import { addPlanSteps } from "../../src/cli/explain/plan-steps.js";
import { createRecorder } from "../../src/cli/explain/record.js";
import { layer, pulled, resolved, resolving } from "./pull-events.js";

/** What a recorder with a clock of ours kept; `pass` lets milliseconds pass. */
function recorded(
  tell: (recorder: ReturnType<typeof createRecorder>, pass: (ms: number) => void) => void,
): Explanation {
  let now = 1000;
  const recorder = createRecorder(() => now);
  tell(recorder, (ms) => (now += ms));
  return recorder.explanation("pull");
}

const smallPull = recorded((recorder, pass) => {
  const exchange = { method: "GET", status: 200, ms: 4 };
  recorder.emit(resolving);
  pass(5);
  recorder.onExchange({ ...exchange, kind: "manifest", url: "https://r.test/v2/app/manifests/latest" });
  pass(5);
  recorder.onExchange({ ...exchange, kind: "blob", url: "https://r.test/v2/app/blobs/config" });
  recorder.emit(resolved([1000, 2000]));
  recorder.emit(layer(0, "exists", { done: 1000, fetched: 0 }));
  recorder.emit(layer(1, "waiting"));
  recorder.emit(layer(1, "downloading", { total: 2000 }));
  pass(20);
  recorder.emit(layer(1, "downloading", { done: 1500, total: 2000 }));
  recorder.emit(layer(1, "verifying", { done: 2000, total: 2000 }));
  pass(3);
  recorder.emit(layer(1, "storing", { done: 2000, total: 2000 }));
  pass(2);
  recorder.emit(layer(1, "done", { done: 2000, total: 2000 }));
  recorder.emit(pulled);
});

const tricky: Explanation = {
  command: "run",
  totalMs: 30,
  exitStatus: 3,
  steps: [
    { phase: "blob", what: "one", at: 0, ms: 10 },
    { phase: "blob", what: "two", at: 5, ms: 10 },
    { phase: "blob", what: "three", at: 12, ms: 1 },
    { phase: "exec", what: "plan 7: exec argv=[sh -c a;b#c]" },
  ],
};

describe("what a pull did", () => {
  test("is a step for each request and each state of a layer, in the order they began", () => {
    expect(smallPull.steps.map(({ phase, at, ms }) => [phase, at, ms])).toEqual([
      ["resolve", 0, 10],
      ["manifest", 1, 4],
      ["config", 6, 4],
      ["store", 10, undefined],
      ["fetch", 10, 20],
      ["verify", 30, 3],
      ["store", 33, 2],
      ["store", 35, undefined],
    ]);
  });

  test("as text has numbers, times and the total", () => {
    const lines = formatExplanation(smallPull, "text").split("\n");
    expect(lines[1]).toBe(
      "2.      1.00ms      4.00ms  manifest    GET https://r.test/v2/app/manifests/latest: 200",
    );
    expect(lines[4]).toContain("20.00ms  fetch       layer 010101010101: 2kB of 2kB fetched");
    expect(lines.at(-1)).toBe("8 steps in 35.00ms");
  });

  test("as JSON is one document", () => {
    const document = JSON.parse(formatExplanation(smallPull, "json")) as { steps: unknown[] };
    expect(document).toMatchObject({ command: "pull", totalMs: 35 });
    expect(document.steps[2]).toEqual({
      step: 3,
      phase: "config",
      what: "GET https://r.test/v2/app/blobs/config: 200",
      at: 6,
      ms: 4,
    });
  });
});

test("a diagram has an arrow per step, and nothing in a message that would end it", () => {
  const lines = formatExplanation(tricky, "mermaid").split("\n");
  expect(lines.slice(0, 2)).toEqual(["sequenceDiagram", "  autonumber"]);
  expect(lines.slice(-4)).toEqual([
    "  P->>R: blob: one (10.00ms)",
    "  P->>R: blob: two (10.00ms)",
    "  P->>R: blob: three (1.00ms)",
    "  H->>C: exec: plan 7: exec argv=[sh -c a#59;b#35;c]",
  ]);
});

test("in a trace what overlaps has rows of its own, times are microseconds, and what has no time is left out", () => {
  const trace = JSON.parse(formatExplanation(tricky, "trace")) as {
    traceEvents: { ph: string; name: string; tid: number; ts: number; dur: number }[];
    otherData: unknown;
  };
  const complete = trace.traceEvents.filter(({ ph }) => ph === "X");
  expect(complete.map(({ name, tid, ts, dur }) => [name, tid, ts, dur])).toEqual([
    ["one", 1, 0, 10_000],
    ["two", 2, 5000, 10_000],
    ["three", 1, 12_000, 1000],
  ]);
  expect(trace.otherData).toEqual({ exitStatus: 3 });
});

describe("the helper's steps", () => {
  test("the program takes from its start to the first step after it, and hints are no steps", () => {
    const { steps } = recorded((recorder) =>
      addPlanSteps(
        recorder,
        [
          { kind: "hint", text: "hint text=x", began: 1001, ms: 1 },
          { kind: "pivot", text: "pivot", began: 1002, ms: 1 },
          { kind: "exec", text: "exec argv=[/x]", began: 1003, ms: 0 },
          { kind: "remove-tree", text: "remove-tree path=/y", began: 1050, ms: 2 },
        ],
        { began: 1000, ended: 1060 },
      ),
    );
    expect(steps).toEqual([
      { phase: "mounts", what: "plan 2: pivot", at: 2, ms: 1 },
      { phase: "exec", what: "plan 3: exec argv=[/x]", at: 3, ms: 47 },
      { phase: "cleanup", what: "plan 4: remove-tree path=/y", at: 50, ms: 2 },
    ]);
  });

  test("where the helper gave no times all steps are there, as planned", () => {
    const { steps } = recorded((recorder) =>
      addPlanSteps(recorder, [{ kind: "exec", text: "exec argv=[/x]" }], { began: 1000, ended: 1060 }),
    );
    expect(steps).toEqual([{ phase: "exec", what: "planned 1: exec argv=[/x]" }]);
  });
});

test.each(["json", "trace"] as const)("%s is harmless to a terminal, whatever a step is called", (format) => {
  const what = "\u009b31m\u202e";
  const text = formatExplanation(
    { command: "run", totalMs: 1, steps: [{ phase: "exec", what, at: 0 }] },
    format,
  );
  expect(text).not.toMatch(/[\u007f-\u009f\u202e]/);
  expect(text).toContain("\\u009b31m\\u202e");
});
