import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { demoLayout, pullrun } from "../support/cli.js";
import { needsNamespaces, needsRealRoot } from "../support/namespaces.js";
import { mustRun } from "../support/tools.js";
import { serveFixtures } from "../support/served.js";

/** Paths that are not what they are named for: each is one line that says so, without errno names, and a hint. */
const hello = `oci:${demoLayout}:pullrun/hello-world:latest`;
const work = mkdtempSync(path.join(tmpdir(), "pullrun-paths-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const store = path.join(work, "store");
const name = "docker.io/pullrun/hello-world:latest";

beforeAll(async () => {
  symlinkSync("loop", path.join(work, "loop"));
  writeFileSync(path.join(work, "file"), "");
  mkdirSync(path.join(work, "dir"));
  expect((await pullrun(["pull", "-q", hello], { root: store })).stderr).toBe("");
});

const places = [
  ["loop", "too many symbolic links encountered", "leads back to itself"],
  ["n".repeat(300), "name too long", "255 bytes"],
  ["file/x", "(?:is in something that is no|not a) directory|holds no index.json", ""],
] as const;
const commands = [
  ["export", "-o", "PLACE", name],
  ["save", "-o", "PLACE", name],
  ["save", "--format", "oci", "-o", "PLACE", name],
  ["unpack", name, "PLACE"],
  ["bundle", name, "PLACE"],
  ["pull", "-q", "oci:PLACE"],
  ["serve", "--port", "0", "PLACE"],
  ["--root", "PLACE", "images"],
  ["--root", "PLACE", "verify"],
] as const;
const table = commands.flatMap((command) =>
  places.map(([place, ...rest]) => [command.join(" "), place.slice(0, 10), place, ...rest, command] as const),
);

test.each(table)("%s, at %s", async (_line, _shown, place, problem, advice, command) => {
  const args = command.map((word) => word.replace("PLACE", path.join(work, place)));
  const { status, stdout, stderr } = await pullrun(args, args[0] === "--root" ? {} : { root: store });
  expect(stderr).toMatch(new RegExp(`^pullrun: \\w+: .*(?:${problem}).*\nhint: .*${advice}.*\n$`));
  expect(stderr).not.toMatch(/\bE[A-Z]{3,}\b|internal error/);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
});

test.each([
  ["unpack", [name, ""]],
  ["bundle", [name, ""]],
  ["save", ["--format", "oci", "-o", "", name]],
])("%s into '' is not into the current directory", async (command, args) => {
  const { status, stderr } = await pullrun([command, ...args], { root: store });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: `pullrun: ${command}: the name of the directory is empty\nhint: name a new or empty directory\n`,
  });
});

test.skipIf(needsNamespaces !== "")(
  `${needsNamespaces}a bundle that cannot be finished leaves an empty directory, which takes the next`,
  async () => {
    const bundle = path.join(work, "bundle");
    const failed = await pullrun(["bundle", "-u", "nobody-of-that-name", name, bundle], { root: store });
    expect(failed.stderr).toMatch(/nobody-of-that-name/);
    expect(failed.status).toBe(1);
    expect(readdirSync(bundle)).toEqual([]);
    expect(await pullrun(["bundle", name, bundle], { root: store })).toMatchObject({ status: 0 });
  },
);

test.skipIf(needsRealRoot !== "")(
  `${needsRealRoot}what does not fit leaves an empty directory, and the hint is about that place`,
  async () => {
    const full = path.join(work, "full");
    mkdirSync(full);
    await mustRun("mount", ["-t", "tmpfs", "-o", "nr_inodes=2", "tmpfs", full]);
    try {
      for (const command of [["unpack"], ["bundle"], ["save", "--format", "oci", "-o"]]) {
        const target = path.join(full, "new");
        const args = command[0] === "save" ? [target, name] : [name, target];
        const { status, stderr } = await pullrun([...command, ...args], { root: store });
        expect(stderr).toMatch(/^pullrun: .*\nhint: free some space, or name a place on another disk\n$/);
        expect(status).toBe(1);
        expect(readdirSync(target)).toEqual([]);
      }
    } finally {
      await mustRun("umount", [full]);
    }
  },
);

test.each([
  ["a store that is not there", ["--root", "/nonexistent", "serve", "--port", "0"], 1, "does not exist"],
  ["a directory that is no layout", ["serve", "--port", "0", work], 1, "holds no index.json"],
  ["no directory", ["serve", "--port", "0", ""], 1, "the name of the directory is empty"],
  [
    "a repository with no name of one",
    ["serve", "--port", "0", "--name", "A B", demoLayout],
    2,
    "not a repository name",
  ],
  ["an address of no machine", ["serve", "--address", "192.0.2.1"], 1, "not an address of this machine"],
])("serve of %s ends at once", async (_what, args, status, problem) => {
  const result = await pullrun(args, args[0] === "--root" ? {} : { root: store });
  expect(result).toMatchObject({ status, stdout: "" });
  expect(result.stderr).toMatch(new RegExp(`^pullrun: \\w+: .*${problem}\nhint: .*\n$`));
});

test("a credentials file that is none troubles only who needs a login", async () => {
  const DOCKER_CONFIG = path.join(work, "docker");
  mkdirSync(path.join(DOCKER_CONFIG, "config.json"), { recursive: true });
  const env = { DOCKER_CONFIG };
  expect(await pullrun(["images", "-q"], { root: store, env })).toMatchObject({ status: 0, stderr: "" });
  const open = await serveFixtures();
  for (const [args, verb] of [
    [["digest", `${open.host}/pullrun/hello-world`], ""],
    [["logout", open.host], "cannot read it: "],
  ] as const) {
    const { status, stderr } = await pullrun(args, { root: store, env });
    expect(stderr).toMatch(
      new RegExp(`^pullrun: credentials file: .*config\\.json: ${verb}is a directory\nhint: .*\n$`),
    );
    expect(status).toBe(1);
  }
  await open.close();
});

test("a login that cannot be kept below /proc is an error, not a wait without end", async () => {
  const served = await serveFixtures();
  const env = { DOCKER_CONFIG: "/proc/none/docker" };
  const args = ["login", "-u", "me", "--password-stdin", served.host];
  const { status, stderr } = await pullrun(args, { root: store, env, input: "secret\n" });
  await served.close();
  expect(stderr).toMatch(/^pullrun: login: \/proc\/none\/docker\/config\.json: no such file or directory/m);
  expect(status).toBe(1);
});
