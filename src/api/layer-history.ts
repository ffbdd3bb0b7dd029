import type { HistoryEntry } from "../core/image-config.js";

/** A step of the build, with the layer it made. */
export interface BuildStep {
  readonly entry: HistoryEntry;
  /** 1 is the bottom layer; undefined for a step that changed no file, or where the history does not tell. */
  readonly layer?: number;
}

export interface AlignedHistory {
  /** First step first. */
  readonly steps: readonly BuildStep[];
  /** Whether each layer has its step. Where not, no step is given a layer: any guess could be wrong. */
  readonly consistent: boolean;
}

/** Which step made which layer: the n-th step that is not marked as empty made the n-th layer (image-spec config.md). */
export function alignHistory(history: readonly HistoryEntry[], layers: number): AlignedHistory {
  const making = history.filter(({ emptyLayer }) => !emptyLayer).length;
  if (making !== layers) return { steps: history.map((entry) => ({ entry })), consistent: false };
  let layer = 0;
  return {
    steps: history.map((entry) => (entry.emptyLayer ? { entry } : { entry, layer: ++layer })),
    consistent: true,
  };
}
