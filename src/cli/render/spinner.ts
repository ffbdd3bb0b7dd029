import ora, { type Ora } from "ora";
import type { PullEvent } from "../../core/events.js";
import { shortDigest, totalOf, warningLine, type Progress } from "./progress.js";
import { formatSize } from "./units.js";

interface Tally {
  reference: string;
  layers: number;
  total: number;
  /** Bytes so far, by layer. */
  readonly done: Map<string, number>;
  readonly finished: Set<string>;
}

/** One spinner line for the whole pull: ora cannot show two at once. Gone without a trace at the end. */
export function startSpinner(): Progress {
  const tally: Tally = { reference: "", layers: 0, total: 0, done: new Map(), finished: new Set() };
  // discardStdin would put our stdin in raw mode, and it belongs to the container.
  const spinner = ora({ stream: process.stderr, discardStdin: false });
  return { emit: (event) => show(spinner, tally, event), stop: () => void spinner.stop() };
}

function show(spinner: Ora, tally: Tally, event: PullEvent): void {
  if (event.type === "warning") {
    spinner.clear();
    process.stderr.write(`${warningLine(event) ?? ""}\n`);
    return;
  }
  spinner.text = fit(textOf(tally, event));
  if (!spinner.isSpinning) spinner.start();
}

function textOf(tally: Tally, event: Exclude<PullEvent, { type: "warning" }>): string {
  switch (event.type) {
    case "resolving":
      tally.reference = event.reference;
      return `${event.reference}: resolving`;
    case "resolved":
      tally.layers = event.layers.length;
      tally.total = totalOf(event.layers);
      return transferText(tally);
    case "layer":
      tally.done.set(event.digest, event.done);
      if (event.state === "done" || event.state === "exists") tally.finished.add(event.digest);
      return transferText(tally);
    case "retry":
      return `${event.what}: ${event.code.toLowerCase()}, trying again`;
    case "rootfs":
      return `${tally.reference}: building ${shortDigest(event.chainId)}`;
    case "pulled":
      return `${tally.reference}: done`;
  }
}

function transferText(tally: Tally): string {
  const bytes = [...tally.done.values()].reduce((sum, n) => sum + n, 0);
  return `${tally.reference}: ${tally.finished.size}/${tally.layers} layers, ${formatSize(bytes)} of ${formatSize(tally.total)}`;
}

/** Cut to one line: a wrapped spinner line scrolls on every frame. The spinner and a blank take 2 columns, 1 stays free. */
function fit(text: string): string {
  const room = Math.max(1, process.stderr.columns - 3);
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}
