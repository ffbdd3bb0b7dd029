import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { pullrun, temporaryDirectory } from "../support/cli.js";
import { needsRealRoot } from "../support/namespaces.js";
import { serveFixtures } from "../support/served.js";
import { missing } from "../support/tools.js";

const needs = needsRealRoot + missing("strace", "unshare");

test.skipIf(needs !== "")(
  `${needs}S10: without a network, images, inspect, ls, history and run of a local tag, digest and ID connect to nothing`,
  async () => {
    const root = temporaryDirectory();
    const served = await serveFixtures();
    const name = `${served.host}/pullrun/whiteouts`;
    const { stdout } = await pullrun(["pull", "-q", name], { root });
    await served.close();
    const byDigest = stdout.trim();
    expect(byDigest).toMatch(/@sha256:/);
    const id = (await pullrun(["images", "-q"], { root })).stdout.trim();
    for (const args of [
      ["images"],
      ["inspect", name],
      ["ls", name],
      ["history", name],
      ["run", "--rm", name],
      ["run", "--rm", byDigest],
      ["run", "--rm", id],
    ]) {
      const log = path.join(temporaryDirectory(), "trace");
      const within = ["unshare", "--net", "strace", "-f", "-qqq", "-e", "trace=connect,execve", "-o", log];
      const { status, stderr } = await pullrun(args, { root, within });
      expect({ args, status, stderr }).toMatchObject({ status: 0 });
      const calls = readFileSync(log, "utf8");
      expect(calls).toMatch(/execve\(/);
      expect({ args, connected: calls.match(/.*connect\(.*/g) }).toEqual({ args, connected: null });
    }
  },
  60_000,
);
