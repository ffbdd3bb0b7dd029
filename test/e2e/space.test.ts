import { readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addBigImage, addZippedImage } from "../support/big-image.js";
import { pullrun, pullrunPath, temporaryDirectory } from "../support/cli.js";
import { needsErofs } from "../support/erofs.js";
import { needsRealRoot } from "../support/namespaces.js";
import { addImage, memoryContent, startTestRegistry, type TestRegistry } from "../support/registry.js";
import { tar } from "../support/tar.js";
import { mustRun } from "../support/tools.js";

/** What an image may take of the disk: no more than the user says, and nothing where it cannot fit. */
const content = memoryContent();
let registry: TestRegistry;

beforeAll(async () => {
  registry = await startTestRegistry({ content });
  addBigImage(content, "app/noise", [9]);
  addZippedImage(content, "app/zipped", 30);
  addImage(content, {
    repository: "app/halves",
    tag: "latest",
    layers: [
      tar({ name: "a", data: Buffer.alloc(3_000_000) }),
      tar({ name: "b", data: Buffer.alloc(3_000_000) }),
    ],
  });
  addImage(content, { repository: "app/small", tag: "latest", layers: [tar({ name: "s", data: "small" })] });
});
afterAll(() => registry.close());

const named = (repository: string): string => `${registry.host}/${repository}`;

function stored(root: string): string[] {
  return ["blobs/sha256", "layers", "rootfs", "ingest"]
    .flatMap((name) => readdirSync(path.join(root, name)))
    .filter((name) => !name.startsWith(".lock-") && name !== "erofs.json");
}

const tooBig = /: (the image )?unpacks to more than/;

test.each([
  ["pull", ["pull", "-q"], 1],
  ["run", ["run", "--rm", "-q"], 125],
  ["create", ["create", "-q"], 125],
])(
  "L28: %s --max-unpacked counts all layers together, and nothing of a bigger image stays",
  async (_command, args, failure) => {
    const root = temporaryDirectory();
    const limited = (size: string) =>
      pullrun([...args, "--max-unpacked", size, named("app/halves")], { root });
    // Each layer is 3 MB: neither is too big by itself.
    const { status, stdout, stderr } = await limited("5m");
    expect({ status, stdout, stored: stored(root) }).toEqual({ status: failure, stdout: "", stored: [] });
    expect(stderr).toMatch(
      /^pullrun: layer sha256:\w+: the image unpacks to more than 5242880 bytes\nhint: --max-unpacked .*\n$/,
    );
    expect((await limited("7m")).stderr).not.toMatch(tooBig);
    expect((await pullrun(["verify"], { root })).status).toBe(0);
  },
);

test("L28: --max-unpacked holds for an image that is there already, whoever asks", async () => {
  const root = temporaryDirectory();
  expect((await pullrun(["pull", "-q", named("app/halves")], { root })).status).toBe(0);
  const target = path.join(temporaryDirectory(), "new");
  for (const args of [["pull", "-q"], ["unpack"], ["run", "--rm"]]) {
    const rest = args[0] === "unpack" ? [target] : [];
    const { status, stderr } = await pullrun([...args, "--max-unpacked=5m", named("app/halves"), ...rest], {
      root,
    });
    expect({ status, stderr }).toEqual({
      status: args[0] === "run" ? 125 : 1,
      stderr: expect.stringMatching(tooBig) as string,
    });
  }
  expect((await pullrun(["unpack", "--max-unpacked=7m", named("app/halves"), target], { root })).status).toBe(
    0,
  );
  expect(readdirSync(target)).toEqual(["a", "b"]);
  expect((await pullrun(["images", "-q"], { root })).stdout).not.toBe("");
});

test("L28: verify --repair obeys --max-unpacked, which counts the layers that are there too", async () => {
  const root = temporaryDirectory();
  expect((await pullrun(["pull", "-q", named("app/halves")], { root })).status).toBe(0);
  const layers = path.join(root, "layers");
  const [lost = ""] = readdirSync(layers);
  rmSync(path.join(layers, lost), { recursive: true });
  const repair = (size: string) => pullrun(["verify", "--repair", `--max-unpacked=${size}`], { root });
  const refused = await repair("5m");
  expect(refused).toMatchObject({ status: 1, stdout: expect.stringContaining(lost) as string });
  expect(refused.stderr).toMatch(
    /repair of \S+app\/halves\S*: layer sha256:\w+: the image unpacks to more than 5242880/,
  );
  expect(readdirSync(layers)).toHaveLength(1);
  expect(await repair("7m")).toMatchObject({ status: 0 });
  expect(readdirSync(layers)).toHaveLength(2);
});

test("L28, L30: load --max-unpacked stops a bomb of an archive and one of a layer", async () => {
  const root = temporaryDirectory();
  const work = temporaryDirectory();
  expect((await pullrun(["pull", "-q", named("app/halves")], { root })).status).toBe(0);
  const file = path.join(work, "x.tar");
  expect(
    (await pullrun(["save", "--format", "oci-archive", "-o", file, named("app/halves")], { root })).status,
  ).toBe(0);
  const bomb = path.join(work, "bomb.tar.gz");
  writeFileSync(bomb, gzipSync(Buffer.alloc(20_000_000)));
  const other = temporaryDirectory();
  for (const [input, what] of [
    [bomb, "archive"],
    [file, "layer"],
  ] as const) {
    const { status, stderr } = await pullrun(["load", "-q", "-i", input, "--max-unpacked", "5m"], {
      root: other,
    });
    expect({ status, stored: stored(other) }).toEqual({ status: 1, stored: [] });
    expect(stderr).toMatch(new RegExp(`^pullrun: ${what} .*unpacks to more than 5242880 bytes\\nhint: `));
  }
});

test.each(["0", "-1", "many", ""])("--max-unpacked %j is wrong usage", async (size) => {
  const { status, stderr } = await pullrun(["pull", `--max-unpacked=${size}`, named("app/small")], {
    root: temporaryDirectory(),
  });
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: expect.stringMatching(/^pullrun: --max-unpacked: .*such as 512m/) as string,
  });
});

const drivers = ["directories", ...(needsErofs === "" ? ["erofs"] : [])];

describe.skipIf(needsRealRoot !== "").each(drivers)(
  `${needsRealRoot}with little space, root file systems as %s,`,
  (driver) => {
    /** Runs a shell script with an empty file system of that size at `$2`, `$1` being our command. */
    function onSmallDisk(size: string, script: string, ...rest: readonly string[]): Promise<string> {
      const body = `mount -t tmpfs -o size=${size} tmpfs "$2" && { ${script}\n} 2>&1`;
      const env = { HOME: "/nonexistent", CI: "true", PULLRUN_ROOT: "", PULLRUN_ROOTFS_DRIVER: driver };
      return mustRun("unshare", ["-m", "sh", "-c", body, "sh", pullrunPath, temporaryDirectory(), ...rest], {
        env,
      });
    }

    const asIfNew =
      'find "$2/blobs/sha256" "$2/layers" "$2/ingest" -mindepth 1; "$1" --root "$2" verify; echo "verify $?"';

    test("a pull waits for the space of an image that is just being removed", async () => {
      const output = await onSmallDisk(
        "32m",
        `"$1" --root "$2" pull -q "$3"; going="$2/layers/.tmp-0123456789abcdef"
       mkdir "$going"; head -c 20M /dev/zero > "$going/x"; (sleep 1; rm -r "$going") &
       "$1" --root "$2" pull -q "$4"; echo "pull $?"; wait`,
        named("app/small"),
        named("app/noise"),
      );
      expect(output).toMatch(/pull 0\n$/);
    });

    test("L28, S3: layers that cannot fit are refused before the first of their bytes is asked for", async () => {
      registry.script([]);
      const output = await onSmallDisk(
        "12m",
        `"$1" --root "$2" pull -q "$3"; echo "pull $?"; ${asIfNew}
       "$1" --root "$2" pull -q "$4"; echo "small $?"`,
        named("app/noise"),
        named("app/small"),
      );
      expect(output).toMatch(
        /^pullrun: store: \S+: 12\.\d MB free \(expected 17\.6 MB: 9\.0 MB to download, 8\.6 MB or more when unpacked\)\nhint: free some space.*--root\npull 1\n/,
      );
      expect(output).not.toMatch(/\/(blobs|layers|ingest)\//);
      expect(output.match(/^(verify|small) \d+$/gm)).toEqual(["verify 0", "small 0"]);
    });

    test("L28, S3: an image that unpacks to more than there is ends with the disk full, in one error, and leaves a good store", async () => {
      const output = await onSmallDisk(
        "12m",
        `"$1" --root "$2" pull -q "$3"; echo "pull $?"; find "$2/layers" -mindepth 1; "$1" --root "$2" verify; echo "verify $?"
       "$1" --root "$2" prune --older-than 0 >/dev/null; "$1" --root "$2" pull -q "$4"; echo "small $?"
       "$1" --root "$2" pull -q "$3"; echo "pull $?"; mount -o remount,size=99m "$2"; "$1" --root "$2" pull -q "$3"; echo "again $?"
       "$1" --root "$2" verify; echo "verify $?"`,
        named("app/zipped"),
        named("app/small"),
      );
      expect(output).toMatch(/^pullrun: .*(no space|ENOSPC).*\nhint: free some space/im);
      expect(output).not.toMatch(/^\/.*\/layers\//m);
      expect(output.match(/^\w+ \d+$/gm)).toEqual([
        "pull 1",
        "verify 0",
        "small 0",
        "pull 1",
        "again 0",
        "verify 0",
      ]);
    });

    test("L28, S3: verify --repair fetches nothing that cannot fit", async () => {
      const output = await onSmallDisk(
        "40m",
        `"$1" --root "$2" pull -q "$3" && rm -r "$2"/layers/* && find "$2/blobs" -size +9k -delete
       mount -o remount,size=12m "$2" && "$1" --root "$2" verify --repair; echo "repair $?"
       mount -o remount,size=40m "$2" && "$1" --root "$2" verify --repair; echo "repair $?"`,
        named("app/noise"),
      );
      expect(output).toMatch(
        /repair of \S+: store: \S+: \d+\.\d MB free \(expected 17\.6 MB: 9\.0 MB to download, 8\.6 MB or more when unpacked\)/,
      );
      expect(output.match(/^repair \d+$/gm)).toEqual(["repair 1", "repair 0"]);
    });

    test("unpack refuses a target without room for the files, and leaves it empty", async () => {
      const root = temporaryDirectory();
      expect((await pullrun(["pull", "-q", named("app/halves")], { root })).status).toBe(0);
      const script =
        '"$1" --root "$4" unpack "$3" "$2/new"; echo "unpack $?"; ls "$2/new"; mount -o remount,size=9m "$2"; "$1" --root "$4" unpack "$3" "$2/new"; ls "$2/new"';
      const output = await onSmallDisk("4m", script, named("app/halves"), root);
      expect(output).toMatch(
        /^pullrun: unpack: \S+\/new: 4\.\d MB free \(expected 6\.0 MB: the data of its files\)\nhint: .*\nunpack 1\n\/\S+\/new\na\nb\n$/,
      );
    });
  },
);
