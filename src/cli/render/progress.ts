import type { Emit, PullEvent } from "../../core/events.js";
import { liveTerminal, type Env } from "../env.js";
import { formatSize } from "./units.js";

/** Shows a pull's events on stderr until `stop`. */
export interface Progress {
  readonly emit: Emit;
  stop(): void;
}

/** A spinner on a live terminal, a line per milestone anywhere else, warnings only when quiet. */
export async function startProgress(env: Env, options: { readonly quiet: boolean }): Promise<Progress> {
  if (options.quiet) return linesTo(warningLine);
  if (!liveTerminal(env)) return linesTo(plainLine);
  const { startSpinner } = await import("./spinner.js");
  return startSpinner();
}

function linesTo(format: (event: PullEvent) => string | undefined): Progress {
  const emit = (event: PullEvent): void => {
    const line = format(event);
    if (line !== undefined) process.stderr.write(`${line}\n`);
  };
  return { emit, stop: () => undefined };
}

export function warningLine(event: PullEvent): string | undefined {
  return event.type === "warning" ? `warning: ${event.message}` : undefined;
}

/** One line for the events worth keeping in a log; byte counts on the way are not. */
export function plainLine(event: PullEvent): string | undefined {
  switch (event.type) {
    case "resolving":
      return `pulling ${event.reference}`;
    case "resolved":
      return `${event.digest}: ${layerCount(event.layers.length)}, ${formatSize(totalOf(event.layers))}`;
    case "layer":
      return plainLayer(event);
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

function plainLayer(event: Extract<PullEvent, { type: "layer" }>): string | undefined {
  if (event.state === "done") return `layer ${shortDigest(event.digest)}: done, ${formatSize(event.total)}`;
  if (event.state === "exists") return `layer ${shortDigest(event.digest)}: already here`;
  return undefined;
}

function layerCount(count: number): string {
  return count === 1 ? "1 layer" : `${count} layers`;
}

export function totalOf(layers: readonly { readonly size: number }[]): number {
  return layers.reduce((sum, layer) => sum + layer.size, 0);
}

export function shortDigest(digest: string): string {
  return digest.slice("sha256:".length, "sha256:".length + 12);
}
