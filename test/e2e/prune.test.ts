import { readdirSync } from "node:fs";
import path from "node:path";
import type { ChildProcess } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { needsNamespaces } from "../support/namespaces.js";
import { pullrun, temporaryDirectory } from "../support/cli.js";
import { probeOf } from "../support/container.js";
import { addImage, memoryContent, startTestRegistry, type TestRegistry } from "../support/registry.js";
import { serveFixtures, type Served } from "../support/served.js";
import { tar } from "../support/tar.js";
import { isRoot } from "../support/tools.js";

/** S6: nothing in use goes, and the rest does. */
let served: Served;
let registry: TestRegistry;
const content = memoryContent();

beforeAll(async () => {
  served = await serveFixtures();
  registry = await startTestRegistry({ content });
});
afterAll(() => Promise.all([served.close(), registry.close()]));

const everything = ["prune", "--older-than", "0"];

const users = [
  { who: "the current user", uid: undefined, skip: false },
  { who: "an ordinary user", uid: 12345, skip: !isRoot },
];

describe.skipIf(needsNamespaces !== "").each(users.filter(({ skip }) => !skip))(
  `${needsNamespaces}as $who`,
  ({ uid }) => {
    const user = uid === undefined ? {} : { uid };

    test("S8: prune while a container runs keeps what it runs on, although its image was replaced", async () => {
      const root = temporaryDirectory(user);
      const name = `${served.host}/pullrun/probe`;
      let child: ChildProcess | undefined;
      const run = pullrun(["run", "--rm", "-q", name, "wait"], {
        root,
        ...user,
        onStart: (c) => (child = c),
      });
      await probeOf(child?.pid ?? 0);
      const layers = readdirSync(path.join(root, "layers"));
      const rootfs = readdirSync(path.join(root, "rootfs"));
      // The name now means nothing: as after a pull of a newer image under it.
      const { writeFileSync } = await import("node:fs");
      writeFileSync(path.join(root, "index.json"), '{"schemaVersion":2,"manifests":[]}');
      const pruned = await pullrun(everything, { root, ...user });
      expect(pruned.status).toBe(0);
      expect(readdirSync(path.join(root, "layers"))).toEqual(layers);
      expect(readdirSync(path.join(root, "rootfs"))).toEqual(rootfs);
      child?.kill("SIGTERM");
      expect((await run).status).toBe(143);
      await pullrun(everything, { root, ...user });
      for (const directory of ["layers", "rootfs", "blobs/sha256", "containers"])
        expect(readdirSync(path.join(root, directory)).filter((file) => /^[0-9a-f]{12}/.test(file))).toEqual(
          [],
        );
    });

    test("prune after prune --compressed and rmi leaves nothing behind", async () => {
      const root = temporaryDirectory(user);
      const name = `${served.host}/pullrun/whiteouts`;
      await pullrun(["pull", "-q", name], { root, ...user });
      const dropped = await pullrun(["prune", "--compressed"], { root, ...user });
      expect(dropped.stdout).toMatch(/^KIND +NAME +SIZE\ncompressed +[0-9a-f]{64} +/);
      expect((await pullrun(["run", "--rm", "--pull=never", name], { root, ...user })).status).toBe(0);
      expect((await pullrun(["inspect", name], { root, ...user })).status).toBe(0);
      const requests = served.requests.length;
      expect((await pullrun(["pull", "-q", name], { root, ...user })).status).toBe(0);
      expect(served.requests.slice(requests).filter((line) => line.includes("/blobs/"))).toEqual([]);
      expect((await pullrun(["rmi", name], { root, ...user })).status).toBe(0);
      for (const directory of ["layers", "rootfs", "blobs/sha256"])
        expect(readdirSync(path.join(root, directory)).filter((file) => /^[0-9a-f]{64}/.test(file))).toEqual(
          [],
        );
    });
  },
);

test("prune while a pull runs takes nothing the pull counts on", async () => {
  const layers = ["a", "b", "c"].map((name) => tar({ name, data: name.repeat(40_000) }));
  addImage(content, { repository: "slow", tag: "latest", layers, process: { Cmd: ["/x"] } });
  // One layer comes at once, the others after prune has had its chance.
  let pruned: Promise<unknown> | undefined;
  const root = temporaryDirectory();
  registry.script([]);
  const name = `${registry.host}/slow`;
  const pull = pullrun(["pull", "-q", "--jobs", "1", name], {
    root,
    onStart: () => {
      pruned = pruneAgainAndAgain(root);
    },
  });
  expect((await pull).status).toBe(0);
  await pruned;
  expect((await pullrun(["verify"], { root })).status).toBe(0);
  expect((await pullrun(["images", "-q"], { root })).stdout).not.toBe("");
});

async function pruneAgainAndAgain(root: string): Promise<void> {
  for (let i = 0; i < 8; i++) {
    const { status, stderr } = await pullrun(everything, { root });
    // The store may not be there yet.
    if (status !== 0) expect(stderr).toMatch(/does not exist/);
  }
}

test("--dry-run and --json say what would go; nothing goes", async () => {
  const root = temporaryDirectory();
  const name = `${served.host}/pullrun/probe`;
  await pullrun(["pull", "-q", name], { root });
  const { writeFileSync } = await import("node:fs");
  writeFileSync(path.join(root, "index.json"), '{"schemaVersion":2,"manifests":[]}');
  const planned = await pullrun([...everything, "--dry-run", "--json"], { root });
  const { removed, bytes } = JSON.parse(planned.stdout) as { removed: { kind: string }[]; bytes: number };
  expect(planned.stderr).toMatch(/^would free /);
  expect(bytes).toBeGreaterThan(0);
  const done = await pullrun([...everything, "--json"], { root });
  expect(JSON.parse(done.stdout)).toMatchObject({ removed, bytes });
  const young = await pullrun(["pull", "-q", name], { root });
  expect(young.status).toBe(0);
});

test("a duration that is none is wrong usage", async () => {
  const { status, stderr } = await pullrun(["prune", "--older-than", "soon"], { root: temporaryDirectory() });
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: expect.stringMatching(/^pullrun: --older-than: soon: not a duration/) as string,
  });
});
