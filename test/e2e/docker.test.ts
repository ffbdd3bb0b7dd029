import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pullrun, temporaryDirectory } from "../support/cli.js";
import { needsDockerd, startDockerd, type Dockerd } from "../support/dockerd.js";
import { serveFixtures, type Served } from "../support/served.js";

/** A real Docker daemon as the other side of `save` and `load`. */
describe.skipIf(needsDockerd !== "")(`${needsDockerd}docker`, () => {
  let served: Served;
  let daemon: Dockerd;
  beforeAll(async () => {
    served = await serveFixtures();
    daemon = await startDockerd();
  }, 60_000);
  afterAll(async () => {
    await daemon.close();
    await served.close();
  });

  async function ok(args: readonly string[], root: string): Promise<string> {
    const { status, stdout, stderr } = await pullrun(args, { root });
    expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
    return stdout;
  }

  test.each(["whiteouts", "probe"])(
    "docker loads %s as we save it and finds the same image; we load it as docker saves it",
    async (image) => {
      const root = temporaryDirectory();
      const name = `${served.host}/pullrun/${image}`;
      await ok(["pull", "-q", name], root);
      const [ours, theirs] = ["ours.tar", "theirs.tar"].map((file) => path.join(temporaryDirectory(), file));
      await ok(["save", "-o", String(ours), name], root);
      expect(await daemon.docker("load", "-i", String(ours))).toBe(`Loaded image: ${name}:latest\n`);
      const id = (await ok(["images", "-q", "--no-trunc"], root)).trim();
      const layers = await ok(["inspect", "--format", "{{json .RootFS.Layers}}", name], root);
      expect(
        await daemon.docker("inspect", "--format", "{{.Id}} {{json .RootFS.Layers}}", `${name}:latest`),
      ).toBe(`${id} ${layers}`);
      await daemon.docker("save", "-o", String(theirs), `${name}:latest`);
      const other = temporaryDirectory();
      expect(await ok(["load", "-q", "-i", String(theirs)], other)).toBe(`${name}:latest\n`);
      expect((await ok(["images", "-q", "--no-trunc"], other)).trim()).toBe(id);
      expect(await ok(["ls", "-R", name, "/"], other)).toBe(await ok(["ls", "-R", name, "/"], root));
    },
    60_000,
  );
});
