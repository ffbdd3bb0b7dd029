import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { needsNamespaces } from "../support/namespaces.js";
import { pullrun, temporaryDirectory } from "../support/cli.js";
import { serveFixtures, type Served } from "../support/served.js";
import { mustRun } from "../support/tools.js";

/** S7: every kind of damage is found, and mended from what is left or from the registry. */
let served: Served;

beforeAll(async () => {
  served = await serveFixtures();
});
afterAll(() => served.close());

async function pulled(): Promise<{ root: string; name: string }> {
  const root = temporaryDirectory();
  const name = `${served.host}/pullrun/whiteouts`;
  expect((await pullrun(["pull", "-q", name], { root })).status).toBe(0);
  return { root, name };
}

function filesIn(root: string, directory: string): string[] {
  return readdirSync(path.join(root, directory))
    .filter((name) => /^[0-9a-f]{64}$/.test(name))
    .sort()
    .map((name) => path.join(root, directory, name));
}

/** Changes every file of a kind, one bit each. */
function flipAll(files: readonly string[]): void {
  for (const file of files) {
    chmodSync(file, 0o644);
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(file, bytes);
  }
}

function replaceByDirectory(file: string): void {
  if (statSync(file).isDirectory()) return;
  rmSync(file);
  mkdirSync(file);
}

const damages: [what: string, damage: (root: string) => void, needsRegistry: boolean][] = [
  ["a flipped bit in every blob", (root) => flipAll(filesIn(root, "blobs/sha256")), true],
  ["every blob gone", (root) => filesIn(root, "blobs/sha256").forEach((file) => rmSync(file)), true],
  [
    "every blob empty",
    (root) =>
      filesIn(root, "blobs/sha256").forEach((file) => {
        chmodSync(file, 0o600);
        truncateSync(file, 0);
      }),
    true,
  ],
  ["a flipped bit in every tar", (root) => flipAll(filesIn(root, "layers").map((d) => `${d}/tar`)), false],
  [
    "every layer gone",
    (root) => filesIn(root, "layers").forEach((d) => rmSync(d, { recursive: true })),
    false,
  ],
  [
    "every tar gone, its entry table left",
    (root) => filesIn(root, "layers").forEach((d) => rmSync(`${d}/tar`)),
    false,
  ],
  [
    "every entry table cut short",
    (root) => filesIn(root, "layers").forEach((d) => truncateSync(`${d}/entries`, 9)),
    false,
  ],
  [
    "everything gone but index.json",
    (root) => {
      for (const directory of ["blobs/sha256", "layers", "rootfs"])
        for (const name of readdirSync(path.join(root, directory)))
          rmSync(path.join(root, directory, name), { recursive: true });
    },
    true,
  ],
  [
    "a directory in the place of every file but index.json",
    (root) => {
      const directories = [root, ...["blobs/sha256", "rootfs"].map((name) => path.join(root, name))];
      for (const directory of [...directories, ...filesIn(root, "layers")])
        for (const name of readdirSync(directory))
          if (/^([0-9a-f]{64}.*|oci-layout|entries)$/.test(name))
            replaceByDirectory(path.join(directory, name));
    },
    true,
  ],
  ["a flipped bit in oci-layout", (root) => flipAll([path.join(root, "oci-layout")]), false],
  [
    "facts of every root file system half written",
    (root) => {
      for (const name of readdirSync(path.join(root, "rootfs")))
        if (name.endsWith(".json")) truncateSync(path.join(root, "rootfs", name), 5);
    },
    false,
  ],
];

test.skipIf(needsNamespaces !== "").each(damages)(
  `${needsNamespaces}%s: found, repaired, and the image runs`,
  async (_what, damage, needsRegistry) => {
    const { root, name } = await pulled();
    damage(root);
    const found = await pullrun(["verify"], { root });
    expect(found.status).toBe(1);
    expect(found.stdout).toMatch(/^(missing|damaged): /m);
    expect(found.stderr).toMatch(/hint: `pullrun verify --repair`/);
    const before = served.requests.length;
    const repaired = await pullrun(["verify", "--repair"], { root });
    expect({ status: repaired.status, left: repaired.stdout.match(/^(missing|damaged): .*/gm) }).toEqual({
      status: 0,
      left: null,
    });
    expect(repaired.stdout).toMatch(/^repaired: /m);
    expect(served.requests.length > before).toBe(needsRegistry);
    expect((await pullrun(["verify"], { root })).status).toBe(0);
    expect((await pullrun(["run", "--rm", "--pull=never", name], { root })).status).toBe(0);
  },
);

test("without the registry it mends what it can, says what it cannot, and ends with 1", async () => {
  const other = await serveFixtures();
  const root = temporaryDirectory();
  const name = `${other.host}/pullrun/whiteouts`;
  await pullrun(["pull", "-q", name], { root });
  await other.close();
  const [layer = "", ...layers] = filesIn(root, "layers");
  const blobs = filesIn(root, "blobs/sha256");
  flipAll(layers.map((directory) => `${directory}/tar`));
  truncateSync(`${layer}/entries`, 3);
  appendFileSync(path.join(root, "blobs/sha256/mine"), "unknown");
  const { manifests } = JSON.parse(readFileSync(path.join(root, "index.json"), "utf8")) as {
    manifests: { digest: string }[];
  };
  const manifest = JSON.parse(
    readFileSync(path.join(root, "blobs/sha256", manifests[0]!.digest.slice(7)), "utf8"),
  ) as { layers: { digest: string }[] };
  const bad = blobs.find((file) => file.endsWith(manifest.layers[0]!.digest.slice(7)))!;
  rmSync(bad);
  const { status, stdout, stderr } = await pullrun(["verify", "--repair"], { root });
  expect(status).toBe(1);
  expect(stdout).toMatch(/^repaired: layer .* entry table/m);
  expect(stdout.match(/^(missing|damaged): .*/gm)?.filter((line) => line.includes("blob"))).toHaveLength(1);
  expect(stderr).toMatch(/warning: repair of .*127\.0\.0\.1/);
  expect(readFileSync(path.join(root, "blobs/sha256/mine"), "utf8")).toBe("unknown");
}, 60_000);

test("--json gives the problems as data, and one image can be asked for", async () => {
  const { root, name } = await pulled();
  const good = await pullrun(["verify", "--json", name], { root });
  expect(JSON.parse(good.stdout)).toMatchObject({ problems: [], repaired: [] });
  flipAll(filesIn(root, "layers").map((directory) => `${directory}/tar`));
  const bad = await pullrun(["verify", "--json", name], { root });
  const { problems } = JSON.parse(bad.stdout) as { problems: { kind: string; images: string[] }[] };
  expect(bad.status).toBe(1);
  expect(problems.every(({ kind, images }) => kind === "layer" && images[0] === `${name}:latest`)).toBe(true);
  const absent = await pullrun(["verify", "no-such-image"], { root });
  expect(absent).toMatchObject({ status: 1, stderr: expect.stringMatching(/not in the store/) as string });
});

test("without index.json no image is known, and none is deleted for that", async () => {
  const { root } = await pulled();
  rmSync(path.join(root, "index.json"));
  const blobs = filesIn(root, "blobs/sha256");
  for (const args of [["images"], ["verify"], ["verify", "--repair"], ["prune", "--older-than", "0"]]) {
    const { status, stderr, stdout } = await pullrun(args, { root });
    expect(stdout + stderr).toMatch(/holds no index\.json/);
    expect(status).toBe(1);
  }
  expect(filesIn(root, "blobs/sha256")).toEqual(blobs);
});

test("index.json cut short is reported by verify and by images, in one line each", async () => {
  const { root } = await pulled();
  truncateSync(path.join(root, "index.json"), 40);
  for (const args of [["verify"], ["verify", "--repair"], ["images"], ["prune"]]) {
    const { status, stderr, stdout } = await pullrun(args, { root });
    expect(status).toBe(1);
    expect(stdout + stderr).toMatch(/index\.json/);
    expect(stderr).not.toMatch(/internal error/);
  }
  expect(await mustRun("stat", ["-c", "%s", path.join(root, "index.json")])).toBe("40\n");
});
