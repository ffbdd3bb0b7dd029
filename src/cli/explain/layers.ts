import type { LayerState, PullEvent } from "../../core/events.js";
import { shortDigest } from "../render/digest.js";
import { formatSize } from "../render/units.js";
import type { ExplainStep, Phase } from "./explanation.js";

type LayerEvent = Extract<PullEvent, { type: "layer" }>;

/** What each state but the last is, while it lasts. */
const work: Partial<Record<LayerState, Phase>> = {
  elsewhere: "fetch",
  downloading: "fetch",
  verifying: "verify",
  storing: "store",
};

/** Turns the states of layers into steps, one for each state a layer was in. */
export function layerSteps(): (event: LayerEvent, at: number) => ExplainStep[] {
  const last = new Map<string, { readonly state: LayerState; readonly at: number }>();
  return (event, at) => {
    const before = last.get(event.digest);
    if (before?.state === event.state) return [];
    last.set(event.digest, { state: event.state, at });
    const layer = `layer ${shortDigest(event.digest)}`;
    if (event.state === "exists") return [{ phase: "store", what: `${layer}: already here`, at }];
    const phase = before === undefined ? undefined : work[before.state];
    if (before === undefined || phase === undefined) return [];
    return [{ phase, what: `${layer}: ${words(before.state, event)}`, at: before.at, ms: at - before.at }];
  };
}

function words(state: LayerState, { fetched, total }: LayerEvent): string {
  if (state === "elsewhere") return "another pullrun fetches it";
  if (state === "downloading") return `${formatSize(fetched)} of ${formatSize(total)} fetched`;
  return state === "verifying" ? "digests compared" : "made durable";
}
