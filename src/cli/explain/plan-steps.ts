import type { WatchedStep } from "../../api/watch-run.js";
import { printable } from "../../core/text.js";
import type { Phase } from "./explanation.js";
import type { Recorder } from "./record.js";

const phaseOfKind = new Map<string, Phase>(
  (
    [
      ["namespaces", "clone unshare join join-namespace private-mounts hostname domainname"],
      [
        "mounts",
        "mount-erofs root-overlay root-bind root-dir mount bind copy-up open-tree attach-tree read-tree write-tree " +
          "remount mkdir mknod symlink file mask readonly pivot chroot create-entries",
      ],
      ["network", "loopback interface daemon program request reserve-port"],
      ["exec", "exec"],
      ["cleanup", "cleanup remove-tree remove-cgroup"],
    ] as const
  ).flatMap(([phase, kinds]) => kinds.split(" ").map((kind) => [kind, phase] as const)),
);

/** Marks within a plan, and text for errors: nothing is done. */
const silent = new Set(["hint", "created", "cleanup"]);

/** Adds what the helper did; the program takes from its start until the first step that follows its end. */
export function addPlanSteps(
  recorder: Recorder,
  steps: readonly WatchedStep[],
  { began, ended }: { readonly began: number; readonly ended: number },
): void {
  const timed = steps.some((step) => step.began !== undefined);
  const exec = steps.find(({ kind }) => kind === "exec")?.began;
  const after = steps.flatMap((step) =>
    step.began !== undefined && step.began > (exec ?? ended) ? [step.began] : [],
  );
  const programEnd = Math.min(ended, ...after);
  for (const [index, step] of steps.entries()) {
    // What did not come to be tried has no time where the others have one.
    if (silent.has(step.kind) || (timed && step.began === undefined && step.problem === undefined)) continue;
    // Without times nobody has said that it was done.
    const number = `${timed ? "plan" : "planned"} ${index + 1}`;
    const what = `${number}: ${printable(step.text, 300)}${step.problem === undefined ? "" : `: failed: ${step.problem}`}`;
    const ran = step.kind === "exec" && exec !== undefined && step.problem === undefined;
    recorder.add({
      phase: phaseOf(step),
      what,
      ...(step.began === undefined ? {} : { at: Math.max(began, step.began) }),
      ...(ran ? { ms: programEnd - exec } : step.ms === undefined ? {} : { ms: step.ms }),
    });
  }
}

function phaseOf({ kind, text }: WatchedStep): Phase {
  if ((kind === "write" || kind === "make-dir") && text.includes("/cgroup/")) return "cgroup";
  if (kind === "make-dir") return "prepare";
  return phaseOfKind.get(kind) ?? "process";
}
