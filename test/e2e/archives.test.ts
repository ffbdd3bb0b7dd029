import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { needsNamespaces, needsRealRoot } from "../support/namespaces.js";
import { pullrun, pullrunPath, temporaryDirectory } from "../support/cli.js";
import { skopeoCopy } from "../support/peers.js";
import { addChart, memoryContent, startTestRegistry } from "../support/registry.js";
import { refNameKey } from "../../src/store/index-file.js";
import { serveFixtures, type Served } from "../support/served.js";
import { isRoot, missing, mustRun } from "../support/tools.js";
import { tar } from "../support/tar.js";

/** `save` and `load`, between two stores of ours and with the tools everybody has. */
let served: Served;

beforeAll(async () => {
  served = await serveFixtures();
});
afterAll(() => served.close());

type Compressor = [name: string, compress: (bytes: Buffer) => Buffer];
const compressors: readonly Compressor[] = [
  ["gzip", gzipSync],
  ["zstd", zstdCompressSync],
  ...["xz", "bzip2"]
    .filter((program) => missing(program) === "")
    .map((program): Compressor => [
      program,
      (input) => execFileSync(program, ["-c"], { input, maxBuffer: 1 << 30 }),
    ]),
];

interface Pulled {
  readonly root: string;
  readonly name: string;
  /** A directory for archives. */
  readonly work: string;
}

async function pulled(image = "whiteouts"): Promise<Pulled> {
  const root = temporaryDirectory();
  const name = `${served.host}/pullrun/${image}`;
  expect((await pullrun(["pull", "-q", name], { root })).status).toBe(0);
  return { root, name, work: temporaryDirectory() };
}

async function ok(args: readonly string[], root: string): Promise<string> {
  const { status, stdout, stderr } = await pullrun(args, { root });
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

async function idOf(root: string): Promise<string> {
  return ok(["images", "-q", "--no-trunc"], root);
}

describe.each([
  ["save", ["save"]],
  ["save as OCI archive", ["save", "--format", "oci-archive"]],
  ["export", ["export"]],
])("%s -o", (_, command) => {
  test("into a directory that is missing names what was given, and no file of ours", async () => {
    const { root, name, work } = await pulled();
    const file = path.join(work, "not/there/x.tar");
    const { status, stderr } = await pullrun([...command, "-o", file, name], { root });
    const line = `pullrun: ${command[0]}: ${file}: there is no directory ${path.dirname(file)}`;
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: `${line}\nhint: make the directory first, or name another one\n`,
    });
    expect(readdirSync(work)).toEqual([]);
  });

  // As root a rename over /dev/null would have made a file of it, for the whole machine.
  test("onto a pipe or a device writes to it, and leaves it what it is", async () => {
    const { root, name, work } = await pulled();
    const [pipe, copy] = [path.join(work, "pipe"), path.join(work, "copy")];
    const script = 'mkfifo "$1" && { cat "$1" > "$2" & } && shift 2 && "$@" && wait';
    const argv = ["sh", pipe, copy, pullrunPath, "--root", root, ...command, "-o", pipe, name];
    await mustRun("sh", ["-c", script, ...argv]);
    expect(statSync(pipe).isFIFO()).toBe(true);
    await ok([...command, "-o", path.join(work, "file"), name], root);
    expect(readFileSync(copy).equals(readFileSync(path.join(work, "file")))).toBe(true);
  });
});

test("a directory that cannot be made is told of: below a file, and below one that takes none", async () => {
  const { root, name, work } = await pulled();
  writeFileSync(path.join(work, "file"), "");
  for (const place of [path.join(work, "file/x"), "/proc/pullrun-none/x"])
    for (const command of [["unpack"], ["bundle"], ["save", "--format", "oci", "-o"]]) {
      const order = command[0] === "save" ? [place, name] : [name, place];
      const { status, stderr } = await pullrun([...command, ...order], { root });
      const problem = "(?:not a|no such file or) directory.*";
      expect(stderr).toMatch(new RegExp(`^pullrun: ${command[0]}: ${place}: ${problem}\nhint: .*\n$`));
      expect(status).toBe(1);
    }
});

describe.skipIf(needsNamespaces !== "").each(["docker-archive", "oci-archive"])(
  `${needsNamespaces}%s`,
  (format) => {
    // skopeo gives the directories it unpacks of an oci-archive to their owner, root.
    const needsSkopeo = missing("skopeo") + (isRoot || format !== "oci-archive" ? "" : "needs root: ");
    test("what one store saves another loads: same name, same ID, and it runs", async () => {
      const { root, name, work } = await pulled();
      const file = path.join(work, "x.tar");
      await ok(["save", "--format", format, "-o", file, name], root);
      expect(readdirSync(work)).toEqual(["x.tar"]);
      const other = temporaryDirectory();
      expect(await ok(["load", "-q", "-i", file], other)).toBe(`${name}:latest\n`);
      expect(await idOf(other)).toBe(await idOf(root));
      expect(await ok(["run", "--rm", "--pull=never", name], other)).toBe(
        await ok(["run", "--rm", "--pull=never", name], root),
      );
      expect((await pullrun(["verify"], { root: other })).status).toBe(0);
    });

    test("saved twice is the same byte for byte, to a file or to stdout", async () => {
      const { root, name, work } = await pulled();
      const [a, b] = [path.join(work, "a"), path.join(work, "b")];
      await ok(["save", "--format", format, "-o", a, name], root);
      await mustRun("sh", [
        "-c",
        '"$0" --root "$1" save --format "$2" "$3" > "$4"',
        bin,
        root,
        format,
        name,
        b,
      ]);
      expect(readFileSync(b).equals(readFileSync(a))).toBe(true);
    });

    test.each(compressors)(
      "is loaded compressed with %s, from a file and from a pipe",
      async (suffix, compress) => {
        const { root, name, work } = await pulled();
        const file = path.join(work, "x.tar");
        await ok(["save", "--format", format, "-o", file, name], root);
        const small = path.join(work, `x.${suffix}`);
        writeFileSync(small, compress(readFileSync(file)));
        const [one, two] = [temporaryDirectory(), temporaryDirectory()];
        expect(await ok(["load", "-q", "-i", small], one)).toBe(`${name}:latest\n`);
        expect(await mustRun("sh", ["-c", '"$0" --root "$1" load -q < "$2"', bin, two, small])).toBe(
          `${name}:latest\n`,
        );
        expect(await idOf(one)).toBe(await idOf(two));
      },
    );

    test("several images in one archive share their layers, and all names come back", async () => {
      const { root, name, work } = await pulled("probe");
      const other = `${served.host}/pullrun/shell-form`;
      await ok(["pull", "-q", other], root);
      const file = path.join(work, "x.tar");
      await ok(["save", "--format", format, "-o", file, name, other], root);
      const members = (await mustRun("tar", ["-tf", file])).trimEnd().split("\n");
      expect(new Set(members).size).toBe(members.length);
      const target = temporaryDirectory();
      expect((await ok(["load", "-q", "-i", file], target)).split("\n").sort()).toEqual(
        ["", `${name}:latest`, `${other}:latest`].sort(),
      );
      expect(await ok(["run", "--rm", "--pull=never", other], target)).toContain("hello from the shell form");
    });

    test.skipIf(needsSkopeo !== "")(`${needsSkopeo}skopeo reads ours and we read skopeo's`, async () => {
      const { root, name, work } = await pulled();
      const [ours, theirs] = [path.join(work, "ours.tar"), path.join(work, "theirs.tar")];
      await ok(["save", "--format", format, "-o", ours, name], root);
      const copy = path.join(work, "copy");
      await skopeoCopy(`${format}:${ours}`, `oci:${copy}:x`);
      await skopeoCopy(`oci:${copy}:x`, `${format}:${theirs}:localhost/from-skopeo:1`);
      const target = temporaryDirectory();
      expect(await ok(["load", "-q", "-i", theirs], target)).toBe("localhost/from-skopeo:1\n");
      expect(await idOf(target)).toBe(await idOf(root));
      expect(
        (await pullrun(["run", "--rm", "-q", `${format}:${theirs}`], { root: temporaryDirectory() })).stdout,
      ).toBe(await ok(["run", "--rm", "--pull=never", name], root));
    });

    const needs = needsRealRoot + missing("podman");
    test.skipIf(needs !== "")(
      `${needs}podman loads ours and we load podman's`,
      async () => {
        const { root, name, work } = await pulled();
        const [ours, theirs] = [path.join(work, "ours.tar"), path.join(work, "theirs.tar")];
        await ok(["save", "--format", format, "-o", ours, name], root);
        const storage = ["--root", `${work}/root`, "--runroot", `${work}/run`, "--storage-driver", "vfs"];
        expect(await mustRun("podman", [...storage, "load", "-q", "-i", ours])).toContain(`${name}:latest`);
        await mustRun("podman", [...storage, "save", "-q", "--format", format, "-o", theirs, name]);
        const target = temporaryDirectory();
        expect(await ok(["load", "-q", "-i", theirs], target)).toBe(`${name}:latest\n`);
        expect(await idOf(target)).toBe(await idOf(root));
        expect(await ok(["run", "--rm", "--pull=never", name], target)).toBe(
          await ok(["run", "--rm", "--pull=never", name], root),
        );
      },
      60_000,
    );
  },
);

const bin = path.resolve(import.meta.dirname, "../../bin/pullrun");

test("a layout that save wrote is pulled as oci:DIR", async () => {
  const { root, name, work } = await pulled();
  const directory = path.join(work, "layout");
  await ok(["save", "--format", "oci", "-o", directory, name], root);
  const other = temporaryDirectory();
  await ok(["pull", "-q", `oci:${directory}`], other);
  expect(await idOf(other)).toBe(await idOf(root));
  expect(await ok(["images"], other)).toContain(name);
  const again = await pullrun(["save", "--format", "oci", "-o", directory, name], { root });
  expect(again).toMatchObject({ status: 1, stderr: expect.stringMatching(/is not empty/) as string });
});

test("an OCI directory is loaded: ours with its name, and one of bare tags with each of its images", async () => {
  const { root, name, work } = await pulled();
  const directory = path.join(work, "layout");
  await ok(["save", "--format", "oci", "-o", directory, name], root);
  const other = temporaryDirectory();
  expect(await ok(["load", "-q", "-i", directory], other)).toBe(`${name}:latest\n`);
  expect(await idOf(other)).toBe(await idOf(root));
  const index = path.join(directory, "index.json");
  const { manifests, ...document } = JSON.parse(readFileSync(index, "utf8")) as { manifests: [object] };
  const tagged = ["one", "two"].map((tag) => ({ ...manifests[0], annotations: { [refNameKey]: tag } }));
  writeFileSync(index, JSON.stringify({ ...document, manifests: tagged }));
  const names = await ok(["load", "-q", "-i", directory], other);
  expect(names).toMatch(/^\S+layout:one\n\S+layout:two\n$/);
  expect((await ok(["images", "--format", "{{.Tag}}"], other)).split("\n").sort().join(" ")).toBe(
    " latest one two",
  );
});

test("what is no image is not loaded, and the line says what was looked for", async () => {
  const [root, work] = [temporaryDirectory(), temporaryDirectory()];
  const load = async (...args: readonly string[]) => (await pullrun(args, { root })).stderr;
  expect(await load("load", "-i", work)).toBe(
    `pullrun: layout: ${work}: holds no index.json\nhint: expected a directory with oci-layout, index.json and blobs/\n`,
  );
  expect(await load("pull", `oci-archive:${work}`)).toBe(
    `pullrun: archive ${work}: is a directory (expected a file)\nhint: an OCI layout is named oci:DIR\n`,
  );
});

const needsHiding = needsRealRoot + missing("unshare", "xz");
test.skipIf(needsHiding !== "")(
  `${needsHiding}load says which package has the program that an archive takes and that is not there`,
  async () => {
    const { root, name, work } = await pulled();
    await ok(["save", "-o", path.join(work, "x.tar"), name], root);
    await mustRun("xz", [path.join(work, "x.tar")]);
    const script =
      'mount --bind /dev/null "$(readlink -f /usr/bin/xz)"; "$0" --root "$1" load -q -i "$2" 2>&1; echo $?';
    const within = ["-m", "sh", "-c", script, pullrunPath, temporaryDirectory(), path.join(work, "x.tar.xz")];
    expect(await mustRun("unshare", within)).toMatch(
      /^pullrun: \S+x\.tar\.xz: compressed with xz, and there is no xz on this machine\nhint: .*apt-get install xz-utils.*\n1\n$/,
    );
  },
);

test.each(compressors)("load of %s from a pipe that stalls ends with Ctrl-C", async (_format, compress) => {
  const root = path.join(temporaryDirectory(), "root");
  const child = spawn(pullrunPath, ["--root", root, "load", "-q"], { stdio: ["pipe", "ignore", "ignore"] });
  child.stdin.write(compress(randomBytes(200_000)).subarray(0, 100_000));
  const files = (): string[] =>
    readdirSync(`/proc/${child.pid}/fd`).map((fd) => linkOf(`/proc/${child.pid}/fd/${fd}`));
  // The plain copy, which has no name.
  await expect.poll(files).toContainEqual(expect.stringMatching(/\/ingest\/\S+ \(deleted\)$/));
  child.kill("SIGINT");
  expect(await once(child, "close")).toEqual([130, null]);
});

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return "";
  }
}

test("an image whose compressed blobs were dropped is saved: plain from its layers, else fetched again", async () => {
  const { root, name, work } = await pulled();
  await ok(["prune", "--compressed"], root);
  await ok(["save", "-o", path.join(work, "d.tar"), name], root);
  const before = served.requests.length;
  await ok(["save", "--format", "oci-archive", "-o", path.join(work, "o.tar"), name], root);
  expect(served.requests.length).toBeGreaterThan(before);
  expect((await pullrun(["verify"], { root })).status).toBe(0);
});

test("M17: a chart is tagged, saved as oci-archive and oci, and loaded again; docker-archive says that it cannot", async () => {
  const content = memoryContent();
  content.tag("team/chart", "latest", addChart(content));
  const registry = await startTestRegistry({ content });
  const [root, work] = [temporaryDirectory(), temporaryDirectory()];
  const name = `${registry.host}/team/chart`;
  await ok(["pull", "-q", name], root);
  await registry.close();
  expect(await ok(["tag", name, "localhost/mine:1"], root)).toBe("localhost/mine:1\n");
  const [archive, layout] = [path.join(work, "c.tar"), path.join(work, "layout")];
  const formats = [
    ["oci-archive", archive, ["load", "-q", "-i", archive]],
    ["oci", layout, ["pull", "-q", `oci:${layout}`]],
  ] as const;
  for (const [format, file, back] of formats) {
    await ok(["save", "--format", format, "-o", file, "localhost/mine:1"], root);
    const other = temporaryDirectory();
    await ok(back, other);
    const digest = ["images", "--digests", "--format", "{{.Digest}}", "localhost/mine"];
    expect(await ok(digest, other)).toBe(await ok(digest, root));
    expect((await pullrun(["verify"], { root: other })).status).toBe(0);
  }
  const refused = await pullrun(["save", "-o", path.join(work, "d.tar"), name], { root });
  expect(refused).toMatchObject({
    status: 1,
    stdout: "",
    stderr: expect.stringMatching(
      /^pullrun: save: \S+: not a container image \(type application\/vnd\.cncf\.helm.*docker-archive.*\nhint: use --format oci-archive or --format oci\n$/,
    ) as string,
  });
  expect(readdirSync(work).sort()).toEqual(["c.tar", "layout"]);
});

test("a save that fails leaves no file, and one of an image that is not there says so", async () => {
  const { root, name, work } = await pulled();
  const absent = await pullrun(["save", "-o", path.join(work, "x.tar"), name, "no-such-image"], { root });
  expect(absent).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/no-such-image: not in/) as string,
  });
  mkdirSync(path.join(work, "d"));
  const onto = await pullrun(["save", "-o", path.join(work, "d"), name], { root });
  expect(onto).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^pullrun: save: .*: is a directory\nhint: name a file in it\n$/) as string,
  });
  expect(readdirSync(work)).toEqual(["d"]);
});

test("a hostile layer in an archive is refused like one from a registry, and nothing stays", async () => {
  const { root, name, work } = await pulled();
  const file = path.join(work, "x.tar");
  await ok(["save", "-o", file, name], root);
  const { createHash } = await import("node:crypto");
  const layer = tar({ name: "../../../../canary", data: "x" });
  const diffId = `sha256:${createHash("sha256").update(layer).digest("hex")}`;
  const config = { os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [diffId] } };
  const manifest = [{ Config: "c", RepoTags: ["evil:1"], Layers: ["l"] }];
  const evil = tar(
    { name: "c", data: JSON.stringify(config) },
    { name: "l", data: layer },
    { name: "manifest.json", data: JSON.stringify(manifest) },
  );
  writeFileSync(file, evil);
  const target = temporaryDirectory();
  const { status, stderr } = await pullrun(["load", "-q", "-i", file], { root: target });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^pullrun: layer .*canary/);
  for (const name of ["blobs/sha256", "layers", "rootfs", "ingest"])
    expect(readdirSync(path.join(target, name)).filter((entry) => !entry.startsWith(".lock-"))).toEqual([]);
});
