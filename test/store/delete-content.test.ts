import { existsSync, mkdirSync, readdirSync, utimesSync } from "node:fs";
import path from "node:path";
import { describe, expect, test, vi } from "vitest";
import { emptyContent } from "../../src/store/image-content.js";
import type { Store } from "../../src/store/store.js";
import { addImage, needsHelper, openTestStore } from "../support/store.js";
import { tar } from "../support/tar.js";

const privilege = { kind: "root" } as const;
const needs = needsHelper + (process.getuid?.() === 0 ? "" : "needs root: ");

/** Two layers, of which one is too large for its space to be given back at once. */
async function addLargeImage(store: Store) {
  const large = tar({ name: "large", data: Buffer.alloc(65 * 1024 * 1024) });
  return addImage(store, "localhost/large:1", [large, tar({ name: "small", data: "small" })]);
}

/** Names of content, and of what is on its way out, in the parts of a store where an image's content is. */
function namesIn({ paths }: Store): { content: string[]; temporary: string[] } {
  const names = [paths.blobs, paths.layers, paths.rootfs].flatMap((directory) => readdirSync(directory));
  return {
    content: names.filter((name) => /^[0-9a-f]{64}/.test(name)),
    temporary: names.filter((name) => name.startsWith(".tmp-")),
  };
}

async function waitUntilGone(store: Store): Promise<void> {
  await vi.waitFor(() => expect(namesIn(store).temporary).toEqual([]), 10_000);
}

describe.skipIf(needs !== "")(`${needs}removing a large image`, () => {
  for (const driver of ["erofs", "directories"] as const) {
    test(`with ${driver}: no name of it is left when that returns, and soon none of its bytes`, async () => {
      const store = await openTestStore(undefined, { rootfsDriver: driver });
      const { image, diffIds } = await addLargeImage(store);
      await store.ensureRootfs(diffIds, { privilege });
      const { bytes } = await store.remove(image, { privilege });
      expect(bytes).toBeGreaterThan(65 * 1024 * 1024);
      expect(namesIn(store).content).toEqual([]);
      await waitUntilGone(store);
    });
  }

  test("does not disturb a pull of the same image that begins at once", async () => {
    const store = await openTestStore();
    const { image } = await addLargeImage(store);
    await store.remove(image, { privilege });
    const { diffIds } = await addLargeImage(store);
    await waitUntilGone(store);
    for (const diffId of diffIds) expect(readdirSync(store.paths.layer(diffId))).toEqual(["entries", "tar"]);
    expect(await store.verify({ privilege })).toMatchObject({ problems: [] });
  });

  test("that a kill cut short is ended by prune", async () => {
    const store = await openTestStore();
    const bin = path.join(store.paths.layers, ".tmp-0123456789abcdef");
    mkdirSync(path.join(bin, "layer-x"), { recursive: true });
    utimesSync(bin, 0, 0);
    const pruned = await store.prune({
      dryRun: false,
      compressed: false,
      olderThan: 0,
      inUse: emptyContent(),
      privilege,
    });
    expect(pruned.removed).toMatchObject([{ kind: "temporary", name: ".tmp-0123456789abcdef" }]);
    expect(existsSync(bin)).toBe(false);
  });
});
