import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { removeContainer } from "../../src/api/containers/remove.js";
import { findVolume, listVolumes, makeVolume } from "../../src/api/volumes/list.js";
import { placeMounts } from "../../src/api/volumes/place.js";
import { pruneVolumes } from "../../src/api/volumes/prune.js";
import { readReferences, writeReferences } from "../../src/api/volumes/references.js";
import { removeVolume } from "../../src/api/volumes/remove.js";
import { createVolume } from "../../src/api/volumes/volume.js";
import { madeStore, type MadeStore } from "../support/made-container.js";
import { needsHelper } from "../support/store.js";

const id = "aa".padEnd(64, "0");
const mounts = [
  { type: "volume", name: "data", target: "/v" },
  { type: "volume", target: "/anonymous" },
] as const;

/** A container with a named volume and two anonymous ones, one of them its image's. */
async function withContainer(): Promise<MadeStore & { readonly directory: string }> {
  const made = await madeStore();
  const directory = await made.add("aa");
  await placeMounts(made.context, { mounts, imageVolumes: ["/image"], containerDir: directory });
  return { ...made, directory };
}

const names = (store: MadeStore): string[] => readdirSync(store.paths.volumes).toSorted();

test("a volume is refused to whoever removes it while a container has it, running or not", async () => {
  const store = await withContainer();
  await expect(removeVolume(store.context, "data")).rejects.toMatchObject({
    code: "LOCKED",
    message: `volume: data: is in use by container ${id.slice(0, 12)}`,
  });
  expect(names(store)).toHaveLength(3);
  expect(await listVolumes(store.context, ["dangling=true"])).toEqual([]);
});

test("a container that refers to a volume while it is taken away gets it back, or finds none", async () => {
  for (let round = 0; round < 20; round++) {
    const { context, paths, add } = await madeStore();
    await makeVolume(context, { name: "data" });
    const file = path.join(paths.volumes, "data/data/file");
    writeFileSync(file, "");
    const directory = await add("aa");
    const place = placeMounts(context, { mounts: [mounts[0]], imageVolumes: [], containerDir: directory });
    const [removed] = await Promise.allSettled([removeVolume(context, "data"), place]);
    expect({ round, there: existsSync(path.dirname(file)), kept: existsSync(file) }).toEqual({
      round,
      there: true,
      kept: removed.status === "rejected",
    });
  }
});

test("rm -v takes the anonymous volumes along, rm without it leaves them", async () => {
  const kept = await withContainer();
  await removeContainer(kept.context, id, { force: false });
  expect(names(kept)).toHaveLength(3);
  const gone = await withContainer();
  await removeContainer(gone.context, id, { force: false, volumes: true });
  expect(names(gone)).toEqual(["data"]);
});

test("an anonymous volume that another container has too stays", async () => {
  const store = await withContainer();
  const [, anonymous] = await readReferences(store.directory);
  const other = await store.add("bb");
  await writeReferences(other, [{ target: "/x", name: anonymous!.name, anonymous: true }]);
  await removeContainer(store.context, id, { force: false, volumes: true });
  expect(names(store)).toEqual(["data", anonymous!.name].toSorted());
});

test("prune takes anonymous volumes nobody has, named ones with --all, and those a filter fits", async () => {
  const store = await withContainer();
  await createVolume(store.paths, { anonymous: true });
  await createVolume(store.paths, { name: "named", labels: { keep: "" } });
  expect((await pruneVolumes(store.context, { all: false, filters: [] })).names).toHaveLength(1);
  const all = { all: true, filters: ["label!=keep"] };
  expect((await pruneVolumes(store.context, all)).names).toEqual([]);
  expect((await pruneVolumes(store.context, { all: true, filters: [] })).names).toEqual(["named"]);
  expect(names(store)).toHaveLength(3);
});

test("started again, a container has the same anonymous volumes", async () => {
  const { context, directory } = await withContainer();
  const before = await readReferences(directory);
  await placeMounts(context, { mounts, imageVolumes: ["/image"], containerDir: directory });
  expect(await readReferences(directory)).toEqual(before);
});

test("volumes made at once by many are one", async () => {
  const { context, paths } = await madeStore();
  const made = await Promise.all(Array.from({ length: 8 }, () => makeVolume(context, { name: "data" })));
  expect(new Set(made.map(({ created }) => created)).size).toBe(1);
  expect(readdirSync(paths.volumes)).toEqual(["data"]);
  expect(await findVolume(context, "data")).toEqual(made[0]);
});

test.skipIf(needsHelper !== "")(
  `${needsHelper}what a crash left of a volume goes once it is old enough to be nobody's`,
  async () => {
    const { context, paths } = await madeStore();
    await makeVolume(context, { name: "data" });
    for (const name of [".tmp-a", ".tmp-b"]) mkdirSync(path.join(paths.volumes, name));
    expect((await pruneVolumes(context, { all: false, filters: [] })).names).toEqual([]);
    expect(names({ paths } as MadeStore)).toEqual([".tmp-a", ".tmp-b", "data"]);
    const later = Date.now() + 120_000;
    await pruneVolumes(context, { all: false, filters: [], now: later });
    expect(names({ paths } as MadeStore)).toEqual(["data"]);
  },
);
