import type { ContainerSummary } from "../../api/containers/list.js";
import { formatSpan } from "./units.js";

/** `Up 5 minutes`, `Exited (0) 3 days ago`: the STATUS column, in docker's words. */
export function statusText(container: ContainerSummary, now: number = Date.now()): string {
  const { state, exitCode } = container;
  const up = `Up ${spanSince(container.started, now)}`;
  switch (state) {
    case "created":
      return "Created";
    case "running":
      return up;
    case "paused":
      return `${up} (Paused)`;
    case "restarting":
      return `Restarting (${exitCode})`;
    case "exited": {
      const ended = container.finished === undefined ? "" : ` ${spanSince(container.finished, now)} ago`;
      return `Exited (${exitCode})${ended}`;
    }
  }
}

function spanSince(time: string | undefined, now: number): string {
  return formatSpan(now - Date.parse(time ?? new Date(now).toISOString()));
}
