import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { diffImages } from "../../src/api/diff.js";
import { imageUsage } from "../../src/api/du.js";
import { exportImage } from "../../src/api/export.js";
import { listFiles } from "../../src/api/ls.js";
import { hardLink, openInspected, pathsOf, symlink, type Inspected } from "../support/inspected.js";
import { needsHelper } from "../support/store.js";
import type { TarEntrySpec } from "../support/tar.js";
import { entriesOf } from "../support/trees.js";

const name = fc.constantFrom("a", "b", "d/a", "d/b", "d/e/a", "d/e/b");
const entry: fc.Arbitrary<TarEntrySpec> = fc.oneof(
  fc.record({ name, data: fc.string({ maxLength: 20 }) }),
  fc.constantFrom({ name: "d/" }, { name: "d/e/" }),
  fc
    .constantFrom(".wh.a", ".wh.d", "d/.wh.a", "d/.wh.e", "d/.wh..wh..opq")
    .map((deleted) => ({ name: deleted })),
  fc
    .record({ name: fc.constantFrom("l", "d/l"), target: fc.constantFrom("a", "/d", "nowhere") })
    .map((link) => symlink(link.name, link.target)),
);
/** A hard link needs its target: it comes with it. */
const linked = fc
  .record({ name, data: fc.string({ maxLength: 9 }) })
  .map((file) => [file, hardLink("twin", file.name)]);
const layer = fc
  .array(
    fc.oneof(
      entry.map((one) => [one]),
      linked,
    ),
    { maxLength: 8 },
  )
  .map((groups) => groups.flat());

describe.skipIf(needsHelper !== "")(`${needsHelper}whatever the layers are`, () => {
  let images: Inspected;
  let count = 0;
  beforeAll(async () => {
    images = await openInspected();
  });

  async function exported(image: string) {
    const pieces = [];
    for await (const piece of exportImage(images.context, image)) pieces.push(piece);
    return entriesOf(Buffer.concat(pieces));
  }

  test("ls, export, du and diff tell the same of them", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(layer, { minLength: 1, maxLength: 3 }), async (layers) => {
        const image = `docker.io/library/any:${++count}`;
        await images.add(image, layers);
        const archive = await exported(image);
        const listed = [...(await listFiles(images.context, { image, path: "/", recursive: true }))];
        const names = archive.map(({ path }) => `/${path.toString().replace(/^\.?\/|\/$/g, "")}`);
        expect(pathsOf(listed)).toEqual(names.slice(1));
        expect(listed.map(({ type }) => type)).toEqual(archive.slice(1).map(({ type }) => type));
        const usage = await imageUsage(images.context, { image, path: "/", depth: 0 });
        const visible = archive.reduce((sum, { size }) => sum + size, 0);
        expect(usage.totalBytes - usage.wastedBytes).toBe(visible);
        expect(usage.directories[0]?.bytes).toBe(visible);
        const top = await diffImages(images.context, `${image}@1`, image);
        const below = new Set(pathsOf(await listFilesAfter(image, 1)));
        const added = top.filter(({ change }) => change === "added");
        expect(pathsOf(added)).toEqual(names.slice(1).filter((path) => !below.has(path)));
      }),
      { numRuns: 12 },
    );
  });

  /** The names after a layer, through the archive of that height. */
  async function listFilesAfter(image: string, layer: number) {
    return (await exported(`${image}@${layer}`)).map(({ path }) => ({
      path: Buffer.from(`/${path.toString().replace(/^\.?\/|\/$/g, "")}`),
    }));
  }
});
