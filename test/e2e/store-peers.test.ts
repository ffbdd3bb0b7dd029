import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pullrun, temporaryDirectory } from "../support/cli.js";
import { missing, mustRun, runTool } from "../support/peers.js";
import { needsNamespaces } from "../support/namespaces.js";
import { serveFixtures, type Served } from "../support/served.js";
import { have, isRoot } from "../support/tools.js";

/** The store is an OCI layout that other tools read, and the spec is one that other runtimes run. */
let served: Served;

beforeAll(async () => {
  served = await serveFixtures();
});
afterAll(() => served.close());

async function pulled(image: string): Promise<{ root: string; name: string }> {
  const root = temporaryDirectory();
  const name = `${served.host}/pullrun/${image}`;
  expect((await pullrun(["pull", "-q", name], { root })).status).toBe(0);
  return { root, name };
}

test.skipIf(!have("skopeo"))(
  `${missing("skopeo")}skopeo inspects an image in the store by its full name`,
  async () => {
    const { root, name } = await pulled("whiteouts");
    const seen = JSON.parse(await mustRun("skopeo", ["inspect", `oci:${root}:${name}:latest`])) as {
      Layers: string[];
    };
    const [own] = JSON.parse((await pullrun(["inspect", name], { root })).stdout) as {
      Layers: { Digest: string }[];
    }[];
    expect(seen.Layers).toEqual(own?.Layers.map(({ Digest }) => Digest));
  },
);

test.skipIf(!have("umoci"))(`${missing("umoci")}umoci lists the store's images by their names`, async () => {
  const { root, name } = await pulled("probe");
  expect(await mustRun("umoci", ["ls", "--layout", root])).toContain(`${name}:latest`);
});

const needsRunc = (isRoot ? needsNamespaces : "needs root: ") + missing("runc");

test.skipIf(needsRunc !== "")(`${needsRunc}runc runs what spec prints`, async () => {
  const { root, name } = await pulled("environment");
  const bundle = temporaryDirectory();
  await pullrun(["unpack", name, path.join(bundle, "rootfs")], { root });
  const { stdout: spec } = await pullrun(["spec", name], { root });
  writeFileSync(path.join(bundle, "config.json"), spec);
  mkdirSync(path.join(bundle, "state"));
  const id = `pullrun-test-${process.pid}`;
  const { status, stdout, stderr } = await runTool("runc", [
    "--root",
    path.join(bundle, "state"),
    "run",
    "-b",
    bundle,
    id,
  ]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toContain("GREETING=hello there");
});

test.skipIf(needsNamespaces !== "")(
  `${needsNamespaces}an image served from the store of another machine keeps name and digest: air-gapped hand-over`,
  async () => {
    const { root, name } = await pulled("probe");
    const other = temporaryDirectory();
    const { status, stdout } = await pullrun(
      ["run", "--rm", "-q", `oci:${root}:${name}:latest`, "args", "x"],
      {
        root: other,
      },
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: "/bin/probe\nargs\nx\n" });
    expect((await pullrun(["images"], { root: other })).stdout).toContain(`${name} `);
  },
);

test.skipIf(needsNamespaces !== "")(
  `${needsNamespaces}pull prints NAME@DIGEST, and that name runs offline`,
  async () => {
    const { root, name } = await pulled("probe");
    const { stdout } = await pullrun(["pull", "-q", name], { root });
    expect(stdout).toMatch(new RegExp(`^${name}@sha256:[0-9a-f]{64}\n$`));
    expect(
      (await pullrun(["run", "--rm", "--pull=never", stdout.trim(), "exit", "3"], { root })).status,
    ).toBe(3);
  },
);

test.skipIf(needsNamespaces !== "")(
  `${needsNamespaces}rmi removes what only that image needed, and leaves the shared layer of the other`,
  async () => {
    const { root, name } = await pulled("probe");
    const other = `${served.host}/pullrun/shell-form`;
    await pullrun(["pull", "-q", other], { root });
    expect((await pullrun(["rmi", name], { root })).status).toBe(0);
    expect((await pullrun(["run", "--rm", "--pull=never", other], { root })).stdout).toBe(
      "sh -c: echo hello from the shell form\n",
    );
    await pullrun(["rmi", other], { root });
    const left = await mustRun("find", [
      path.join(root, "blobs"),
      path.join(root, "layers"),
      path.join(root, "rootfs"),
      "-mindepth",
      "2",
    ]);
    expect(left).toBe("");
  },
);
