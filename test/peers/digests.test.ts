import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pullrun, temporaryDirectory } from "../support/cli.js";
import { missing, mustRun } from "../support/peers.js";
import { serveFixtures, type Served } from "../support/served.js";

/** What skopeo says of an image in a registry, and of our store after a pull, is what we say. */
const needs = missing("skopeo");
const images = ["hello-world", "probe", "environment", "whiteouts", "compressions"];

describe.skipIf(needs !== "")(`${needs}digests are skopeo's`, () => {
  let served: Served;
  beforeAll(async () => {
    // skopeo asks for a token without credentials, as we do.
    served = await serveFixtures();
  });
  afterAll(() => served.close());

  const inspect = async (source: string, ...flags: readonly string[]): Promise<string> =>
    mustRun("skopeo", ["--override-os", "linux", "inspect", "--tls-verify=false", ...flags, source], {
      // Without one it looks into /run/containers, which root may have closed.
      env: { XDG_RUNTIME_DIR: temporaryDirectory() },
    });

  test.each(images)("of %s: tag, manifest bytes, config and layers", async (image) => {
    const name = `${served.host}/pullrun/${image}:latest`;
    const root = temporaryDirectory();
    const { stdout: pulled } = await pullrun(["pull", "-q", name], { root });
    const remote = JSON.parse(await inspect(`docker://${name}`)) as { Digest: string; Layers: string[] };

    expect((await pullrun(["digest", name])).stdout.trim()).toContain(remote.Digest);
    expect(pulled.trim().endsWith(`@${remote.Digest}`)).toBe(true);
    expect((await pullrun(["manifest", "--raw", name])).stdout).toBe(
      await inspect(`docker://${name}`, "--raw"),
    );

    const [own] = JSON.parse((await pullrun(["inspect", name], { root })).stdout) as {
      Layers: { Digest: string }[];
    }[];
    expect(own?.Layers.map(({ Digest }) => Digest)).toEqual(remote.Layers);
    const config = JSON.parse(await inspect(`docker://${name}`, "--config", "--raw")) as object;
    expect(JSON.parse((await pullrun(["inspect", "--raw", name], { root })).stdout)).toEqual(config);
    expect(JSON.parse(await inspect(`oci:${root}:${name}`))).toMatchObject({ Layers: remote.Layers });
  });
});
