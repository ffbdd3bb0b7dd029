import { readdirSync, rmSync, statSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pull } from "../../src/api/pull.js";
import { hostPlatform } from "../../src/core/platform.js";
import { testContext } from "../support/context.js";
import { addImage, memoryContent, startTestRegistry, type TestRegistry } from "../support/registry.js";
import { needsHelper } from "../support/store.js";
import { tar } from "../support/tar.js";

const content = memoryContent();
let registry: TestRegistry;
beforeAll(async () => {
  registry = await startTestRegistry({ content });
});
afterAll(() => registry.close());

async function pulled(repository: string) {
  const publish = (data: string) =>
    addImage(content, { repository, tag: "latest", layers: [tar({ name: "f", data })] });
  publish("first");
  const context = testContext();
  const again = () => pull(context, { image: `${registry.host}/${repository}`, platform: hostPlatform() });
  const first = await again();
  const { paths } = await context.store({ create: false });
  return { again, first, paths, publish };
}

describe.skipIf(needsHelper !== "")(`${needsHelper}an image pulled before`, () => {
  test("is not written again while it is current", async () => {
    const { again, first, paths } = await pulled("current/same");
    const before = statSync(paths.index).ino;
    expect(await again()).toEqual(first);
    expect(statSync(paths.index).ino).toBe(before);
  });

  test("is replaced once its tag means something else", async () => {
    const { again, first, publish } = await pulled("current/moved");
    publish("second");
    const second = await again();
    expect(second.resolved).not.toBe(first.resolved);
    expect((await again()).stored).toEqual(second.stored);
  });

  test("gets back what is missing of it", async () => {
    const { again, first, paths } = await pulled("current/damaged");
    const layers = readdirSync(paths.layers);
    for (const layer of layers) rmSync(`${paths.layers}/${layer}`, { recursive: true });
    const second = await again();
    expect(second.resolved).toBe(first.resolved);
    expect(layers).toHaveLength(1);
    expect(readdirSync(paths.layers)).toEqual(layers);
  });
});
