import type { Emit, PullEvent } from "../../core/events.js";
import type { Totals } from "./board.js";
import { shortDigest } from "./digest.js";
import { formatDuration, formatSize } from "./units.js";

/** Shows a pull's events on stderr until `stop`. */
export interface Progress {
  readonly emit: Emit;
  /** Safe to call twice. */
  stop(): void;
}

export function warningLine(event: PullEvent): string | undefined {
  return event.type === "warning" ? `warning: ${event.message}` : undefined;
}

export function resolvedLine({ reference, layers }: Extract<PullEvent, { type: "resolved" }>): string {
  const bytes = layers.reduce((sum, layer) => sum + layer.size, 0);
  return `${reference}: ${layers.length === 1 ? "1 layer" : `${layers.length} layers`}, ${formatSize(bytes)}`;
}

/** `12/20 layers, 123MB of 417MB, 34MB/s, 9s left`: a long pull's sign of life in a log. */
export function standingLine(totals: Totals): string {
  const { finished, layers, done, total, rate, secondsLeft } = totals;
  const left = secondsLeft === undefined ? "" : `, ${formatDuration(secondsLeft * 1000)} left`;
  return `${finished}/${layers} layers, ${formatSize(done)} of ${formatSize(total)}, ${formatSize(rate)}/s${left}`;
}

export function summaryLine({ fetched, elapsedMs }: Totals): string {
  const time = formatDuration(elapsedMs);
  return fetched === 0 ? `nothing to fetch, done in ${time}` : `fetched ${formatSize(fetched)} in ${time}`;
}

/** One line for the events worth keeping in a log; byte counts on the way are not. */
export function plainLine(event: PullEvent): string | undefined {
  switch (event.type) {
    case "resolving":
      return `pulling ${event.reference}`;
    case "resolved":
      return `${resolvedLine(event)}, ${event.digest}`;
    case "layer":
      return layerLine(event);
    case "retry":
      return `${event.what}: ${event.code.toLowerCase()}, trying again in ${(event.waitMs / 1000).toFixed(1)}s (${event.attempt})`;
    case "rootfs":
      return event.state === "building" ? "building the root file system" : undefined;
    case "pulled":
      return undefined;
    case "warning":
      return warningLine(event);
  }
}

function layerLine({ digest, state, total }: Extract<PullEvent, { type: "layer" }>): string | undefined {
  const layer = `layer ${shortDigest(digest)}`;
  switch (state) {
    // Storing takes a moment, and done follows.
    case "waiting":
    case "storing":
      return undefined;
    case "downloading":
      return `${layer}: downloading ${formatSize(total)}`;
    case "elsewhere":
      return `${layer}: another pullrun is fetching it`;
    case "exists":
      return `${layer}: already here`;
    default:
      return `${layer}: ${state}`;
  }
}
