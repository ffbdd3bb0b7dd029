import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { demoLayout, pullrun, temporaryDirectory, type CliResult } from "../support/cli.js";
import { needsRealRoot } from "../support/namespaces.js";
import { tar } from "../support/tar.js";
import { missing } from "../support/tools.js";
import { ordinaryUid } from "../support/users.js";
import { visitorMounts } from "../support/visitor.js";

const far = 1_000_640_000;

/** A docker archive with a file of somebody whom no range reaches. */
function writeArchive(file: string): void {
  const layer = tar(
    { name: "home/", pax: { uid: String(far), gid: String(far) } },
    { name: "home/note", data: "hi", pax: { uid: String(far), gid: String(far) } },
  );
  const diffId = `sha256:${createHash("sha256").update(layer).digest("hex")}`;
  const config = { os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [diffId] } };
  const manifest = [{ Config: "c", RepoTags: ["far:1"], Layers: ["l"] }];
  const members = [
    { name: "c", data: JSON.stringify(config) },
    { name: "l", data: layer },
    { name: "manifest.json", data: JSON.stringify(manifest) },
  ];
  writeFileSync(file, tar(...members));
}

/** A user with 1000 subordinate ids, known in a mount namespace of ours only. */
function visitor(directory: string): readonly string[] {
  return ["unshare", "-m", "sh", "-c", [...visitorMounts(directory, 1000), 'exec "$@"'].join(" && "), "sh"];
}

const needs = needsRealRoot + missing("newuidmap", "unshare", "setpriv");

describe.skipIf(needs !== "")(`${needs}an image with owners outside the ranges`, () => {
  function setUp() {
    const directory = temporaryDirectory();
    chmodSync(directory, 0o755);
    const image = `docker-archive:${path.join(directory, "far.tar")}`;
    writeArchive(path.join(directory, "far.tar"));
    const own = path.join(directory, "own");
    mkdirSync(own);
    chmodSync(own, 0o777);
    const within = visitor(directory);
    const root = temporaryDirectory({ uid: ordinaryUid });
    const run = (...args: readonly string[]): Promise<CliResult> =>
      pullrun(args, { root, uid: ordinaryUid, within });
    return { image, own, run };
  }

  test("is refused with its number, our ranges and the ways out", async () => {
    const { image, run } = setUp();
    const { status, stderr } = await run("pull", "-q", image);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      new RegExp(`/home: owner uid ${far} is not mapped \\(expected one of 0-0, 1-1000\\)`),
    );
    expect(stderr).toMatch(/^hint: .*\/etc\/subuid.*--squash-ids.*root$/m);
  });

  test("is pulled and unpacked with --squash-ids, every file ours, without a warning", async () => {
    const { image, own, run } = setUp();
    expect(await run("pull", "-q", "--squash-ids", image)).toMatchObject({ status: 0, stderr: "" });
    const target = path.join(own, "tree");
    expect(await run("unpack", "--squash-ids", image, target)).toMatchObject({ status: 0 });
    expect(statSync(path.join(target, "home/note"))).toMatchObject({ uid: ordinaryUid, gid: ordinaryUid });
  });

  test("and one without runs with it as root of a single id", async () => {
    const { run } = setUp();
    const image = `oci:${demoLayout}:pullrun/hello-world:latest`;
    const { status, stdout, stderr } = await run("run", "--rm", "-q", "--squash-ids", image);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/hello/i);
  });
});

test.skipIf(needsRealRoot !== "")(
  `${needsRealRoot}--squash-ids is refused as root, who has every id`,
  async () => {
    const image = `oci:${demoLayout}:pullrun/hello-world:latest`;
    expect(await pullrun(["pull", "--squash-ids", image], { root: temporaryDirectory() })).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/--squash-ids: we are root/) as string,
    });
  },
);
