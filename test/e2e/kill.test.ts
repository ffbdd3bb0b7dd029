import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pullrun, temporaryDirectory, withoutWarnings } from "../support/cli.js";
import { needsNamespaces } from "../support/namespaces.js";
import { serveFixtures, type Served } from "../support/served.js";
import { mustRun } from "../support/tools.js";
import { testUsers } from "../support/users.js";

let served: Served;

beforeAll(async () => {
  served = await serveFixtures();
});
afterAll(() => served.close());

// A pull of this image takes some 300 ms here: the moments cover it from Node's start to past the commit.
const moments = Array.from({ length: 16 }, (_, i) => 20 + i * 25);

describe.skipIf(needsNamespaces !== "").each(testUsers)(`${needsNamespaces}as $who`, ({ as }) => {
  const name = (): string => `${served.host}/pullrun/whiteouts`;

  test("after SIGKILL at any moment of a pull the next pull and run succeed and no image is listed half", async () => {
    for (const moment of moments) {
      const root = temporaryDirectory(as);
      await pullrun(["pull", "-q", name()], {
        root,
        ...as,
        onStart: (child) => void sleep(moment).then(() => child.kill("SIGKILL")),
      });
      const listed = await pullrun(["images", "-q"], { root, ...as });
      const early =
        listed.stdout === ""
          ? undefined
          : await pullrun(["run", "--rm", "--pull=never", name()], { root, ...as });
      const { status, stderr } = await pullrun(["run", "--rm", "-q", name()], { root, ...as });
      expect({ moment, early: early?.status ?? 0, status, stderr: withoutWarnings(stderr) }).toEqual({
        moment,
        early: 0,
        status: 0,
        stderr: "",
      });
      expect(await leftovers(root)).toEqual([]);
    }
  }, 120_000);

  test("a download that a dying process had already made read-only is taken up", async () => {
    const root = temporaryDirectory(as);
    await pullrun(["pull", "-q", name()], { root, ...as });
    const { stdout } = await pullrun(["layers", "--json", name()], { root, ...as });
    const [lowest] = JSON.parse(stdout) as { digest: string }[];
    const layer = lowest?.digest.replace("sha256:", "") ?? "";
    await pullrun(["rmi", name()], { root, ...as });
    const ingest = path.join(root, "ingest", `sha256-${layer}`);
    mkdirSync(ingest);
    writeFileSync(path.join(ingest, "data"), "");
    chmodSync(path.join(ingest, "data"), 0o444);
    const { uid } = as;
    if (uid !== undefined) for (const file of [ingest, path.join(ingest, "data")]) chownSync(file, uid, uid);
    expect((await pullrun(["pull", "-q", name()], { root, ...as })).status).toBe(0);
  });
});

async function leftovers(root: string): Promise<string[]> {
  // An empty download directory and what a dead pull reserved may stay; data, or a container, may not.
  const found = await mustRun("find", [
    `${root}/containers`,
    `${root}/ingest`,
    "-mindepth",
    "1",
    "-not",
    "-path",
    "*/sha256-*",
    "-not",
    "-name",
    "pull-*",
    "-o",
    "-name",
    "data",
  ]);
  return found.split("\n").filter((line) => line !== "");
}
