import fc from "fast-check";
import { expect, test } from "vitest";
import type { DirNode } from "../../src/store/tree.js";
import { directory, link } from "../support/images.js";
import { ways } from "../support/shown-trees.js";
import { tar, type TarEntrySpec } from "../support/tar.js";
import { mergeLayers } from "../support/trees.js";

/** Few names, so that layers meet: files over directories, whiteouts of links, hard links to what is gone. */
const name = fc.constantFrom("a", "b", "c", "e\u00ff");
const path = fc.array(name, { minLength: 1, maxLength: 3, size: "max" }).map((names) => names.join("/"));
const target = fc.oneof(path, fc.constantFrom("/", "..", "/a", "../b", "../../../c/a", "nowhere"));
const mode = fc.constantFrom(0o755, 0o644, 0o4711, 0o1777, 0);
const pax = fc.constantFrom<NonNullable<TarEntrySpec["pax"]>>(
  {},
  { mtime: "-5.5", uid: "70000" },
  { mtime: "1234567890.123456789", "SCHILY.xattr.user.k": Buffer.from([0, 255, 10]) },
);
const data = fc.constantFrom("", "x", "d".repeat(511), "d".repeat(512), "d".repeat(3000));

/** A hard link leads to one of the files there are by then; which one is drawn before they are known. */
type Draft = TarEntrySpec & { readonly linkTo?: number };

const entry: fc.Arbitrary<Draft> = fc.oneof(
  fc.record({ name: path, data, mode, pax }),
  fc.tuple(path, mode).map(([at, bits]) => directory(at, { mode: bits })),
  fc.tuple(path, target).map(([at, to]) => link(at, to)),
  fc.record({ name: path, flag: fc.constant("1"), linkTo: fc.nat() }),
  fc.record({ name: path, flag: fc.constantFrom("6", "3"), major: fc.constant(1) }),
  path.map((at) => ({ name: at.replace(/[^/]+$/, ".wh.$&") })),
  path.map((at) => ({ name: `${at}/.wh..wh..opq` })),
);
const stack = fc
  .array(fc.array(entry, { maxLength: 20, size: "max" }), { minLength: 2, maxLength: 4 })
  .map(acceptable);

/** Without the entries that no merge takes: what is refused is tested elsewhere. */
function acceptable(layers: readonly (readonly Draft[])[]): TarEntrySpec[][] {
  const kept: TarEntrySpec[][] = [];
  for (const entries of layers) {
    const own: TarEntrySpec[] = [];
    kept.push(own);
    for (const { linkTo, ...one } of entries) {
      const files = linkTo === undefined ? [] : leavesOf(mergeLayers(...kept).top);
      const link = files[(linkTo ?? 0) % files.length];
      own.push(link === undefined ? one : { ...one, link });
      try {
        mergeLayers(...kept);
      } catch {
        own.pop();
      }
    }
  }
  return kept;
}

function leavesOf(tree: DirNode, above = ""): Buffer[] {
  return [...tree.children].flatMap(([name, node]) =>
    node.kind === "dir" ? leavesOf(node, `${above}${name}/`) : [Buffer.from(above + name, "latin1")],
  );
}

const able = ways.filter(({ needs }) => needs === "");
const needsTwo = able.length < 2 ? "needs two ways to show an image: " : "";

test.skipIf(needsTwo !== "")(
  `${needsTwo}random layers are the same tree in every way an image is shown`,
  async () => {
    await fc.assert(
      fc.asyncProperty(stack, async (layers) => {
        const archives = layers.map((entries) => tar({ name: "./", mode: 0o755 }, ...entries));
        const [first, ...others] = await Promise.all(able.map((way) => way.show(archives)));
        for (const other of others) expect(other.lines).toEqual(first?.lines);
      }),
      { numRuns: 12, seed: 20_261_129, endOnFailure: true },
    );
  },
  120_000,
);
