import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pullrun, temporaryDirectory } from "../support/cli.js";
import { serveFixtures, type Served } from "../support/served.js";
import { mustRun } from "../support/tools.js";

let served: Served;

beforeAll(async () => {
  served = await serveFixtures();
});
afterAll(() => served.close());

// A pull of this image takes some 300 ms here: the moments cover it from Node's start to past the commit.
const moments = Array.from({ length: 24 }, (_, i) => 20 + i * 17);

test("after SIGKILL at any moment of a pull the next pull and run succeed and no image is listed half", async () => {
  const name = `${served.host}/pullrun/whiteouts`;
  for (const moment of moments) {
    const root = temporaryDirectory();
    await pullrun(["pull", "-q", name], {
      root,
      onStart: (child) => void sleep(moment).then(() => child.kill("SIGKILL")),
    });
    const listed = await pullrun(["images", "-q"], { root });
    if (listed.stdout !== "") expect((await pullrun(["run", "--pull=never", name], { root })).status).toBe(0);
    expect((await pullrun(["run", "-q", name], { root })).status).toBe(0);
    expect(await leftovers(root)).toEqual([]);
  }
}, 120_000);

async function leftovers(root: string): Promise<string[]> {
  // An empty download directory may stay; data, or a container, may not.
  const found = await mustRun("find", [
    `${root}/containers`,
    `${root}/ingest`,
    "-mindepth",
    "1",
    "-not",
    "-path",
    "*/sha256-*",
    "-o",
    "-name",
    "data",
  ]);
  return found.split("\n").filter((line) => line !== "");
}
