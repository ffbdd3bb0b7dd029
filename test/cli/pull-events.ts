import type { Digest } from "../../src/core/digest.js";
import type { LayerState, PullEvent } from "../../src/core/events.js";

/** Recorded events, as a pull of a few layers emits them. */

export function digestAt(index: number): Digest {
  return `sha256:${index.toString(16).padStart(2, "0").repeat(32)}` as Digest;
}

export function resolved(sizes: readonly number[], reference = "docker.io/library/app:latest"): PullEvent {
  const layers = sizes.map((size, i) => ({ digest: digestAt(i), size }));
  return { type: "resolved", reference, digest: digestAt(200), layers };
}

export function layer(
  index: number,
  state: LayerState,
  bytes: { readonly done?: number; readonly total?: number; readonly fetched?: number } = {},
): PullEvent {
  const { done = 0, total = 1000, fetched = done } = bytes;
  return { type: "layer", digest: digestAt(index), state, done, total, fetched };
}

export function retry(index: number): PullEvent {
  const what = `blob ${digestAt(index)} of docker.io/library/app`;
  return { type: "retry", what, attempt: 1, code: "RESET", waitMs: 1250 };
}

export const resolving: PullEvent = { type: "resolving", reference: "docker.io/library/app:latest" };
export const building: PullEvent = { type: "rootfs", chainId: digestAt(7), state: "building" };
export const warning: PullEvent = {
  type: "warning",
  message: "the image is for linux/arm64, not linux/amd64",
};
export const pulled: PullEvent = {
  type: "pulled",
  reference: "docker.io/library/app:latest",
  digest: digestAt(200),
};

/** Two layers: one here already, one that arrives in steps. */
export const smallPull: readonly PullEvent[] = [
  resolving,
  resolved([1000, 4000]),
  layer(1, "waiting", { total: 4000 }),
  layer(0, "waiting"),
  layer(0, "exists", { done: 1000, fetched: 0 }),
  layer(1, "downloading", { total: 4000 }),
  layer(1, "downloading", { done: 1500, total: 4000 }),
  layer(1, "downloading", { done: 4000, total: 4000 }),
  layer(1, "verifying", { done: 4000, total: 4000 }),
  layer(1, "storing", { done: 4000, total: 4000 }),
  layer(1, "done", { done: 4000, total: 4000 }),
  building,
  pulled,
];
