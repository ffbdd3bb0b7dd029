import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { pullLayers, type LayerJob } from "../../src/api/pull-layers.js";
import type { SpareConnections } from "../../src/core/blobs.js";
import { digestOf } from "../../src/core/digest.js";
import type { Download } from "../../src/store/download.js";
import type { Store } from "../../src/store/store.js";
import { noAbort } from "../support/registry-client.js";

/** Layers whose downloads end when the test says so; what they were offered to read over. */
function scripted(count: number) {
  const gates: (() => void)[] = [];
  const spares: SpareConnections[] = [];
  const source: LayerJob["source"] = {
    read(_descriptor, { spare }) {
      if (spare !== undefined) spares.push(spare);
      return Promise.resolve((async function* () {})());
    },
  };
  const layers = Array.from({ length: count }, (_, i): LayerJob => {
    const descriptor = { mediaType: "x", digest: digestOf(Buffer.of(i)), size: 100 - i };
    return { descriptor, diffId: undefined, source };
  });
  const pool = {
    async keep({ descriptor, signal, source: from }: Download): Promise<void> {
      await from.read(descriptor, { offset: 0, signal });
      await new Promise<void>((resolve) => gates.push(resolve));
    },
    close: () => Promise.resolve(),
  };
  // Of a store nothing but its pool is asked for.
  const store = { openPool: () => Promise.resolve(pool) } as unknown as Store;
  return { layers, store, gates, spares };
}

test("a layer may be read over connections that others leave free, --jobs in all, none while layers wait", async () => {
  const { layers, store, gates, spares } = scripted(4);
  const pulling = pullLayers(layers, { store, jobs: 3, emit: () => undefined, signal: noAbort });
  const end = async (): Promise<void> => {
    gates.shift()?.();
    await turn();
  };
  await turn();
  const [spare] = spares;
  expect({ running: gates.length, spare: spare?.take() }).toEqual({ running: 3, spare: undefined });
  await end();
  expect({ running: gates.length, spare: spare?.take() }).toEqual({ running: 3, spare: undefined });
  await end();
  const release = spare?.take();
  expect(release).toBeTypeOf("function");
  expect(spare?.take()).toBeUndefined();
  release?.();
  await end();
  expect([spare?.take(), spare?.take(), spare?.take()].map((taken) => typeof taken)).toEqual([
    "function",
    "function",
    "undefined",
  ]);
  await end();
  await pulling;
});
