import { existsSync, readFileSync, rmSync, truncateSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { demoLayout, pullrun, pullrunPath, temporaryDirectory } from "../support/cli.js";
import { diskCalls, readDiskTrace, type DiskTrace } from "../support/disk-trace.js";
import { needsErofs } from "../support/erofs.js";
import { needsRealRoot } from "../support/namespaces.js";
import { missing, runTool } from "../support/tools.js";

const name = `oci:${demoLayout}:pullrun/whiteouts:latest`;
const needs = needsRealRoot + missing("strace");
const drivers = ["directories", ...(needsErofs === "" ? ["erofs"] : [])];

interface Cut {
  readonly root: string;
  readonly driver: string;
  /** The power goes at the n-th rename. */
  readonly at?: number;
}

/** One pull, recorded. */
async function recordPull({ root, driver, at }: Cut): Promise<DiskTrace> {
  const log = path.join(temporaryDirectory(), "trace");
  const kill = at === undefined ? [] : ["-e", `inject=rename:signal=SIGKILL:when=${at}`];
  const trace = ["-f", "-y", "-qqq", "-e", `trace=${diskCalls}`, ...kill, "-o", log];
  const { status } = await runTool("strace", [...trace, pullrunPath, "--root", root, "pull", "-q", name], {
    // One thread for files: the n-th rename is the n-th of the process.
    env: { PULLRUN_ROOTFS_DRIVER: driver, UV_THREADPOOL_SIZE: "1", HOME: "/nonexistent", CI: "true" },
  });
  if (at === undefined) expect(status).toBe(0);
  return readDiskTrace(readFileSync(log, "utf8"), root);
}

describe.skipIf(needs !== "").each(drivers)(`${needs}S2: power loss, root file systems as %s`, (driver) => {
  test("nothing gets its name before its data is on the disk, and the image comes last", async () => {
    const { namings, pending } = await recordPull({ root: path.join(temporaryDirectory(), "root"), driver });
    expect(namings.filter(({ dirty }) => dirty.length > 0)).toEqual([]);
    const places = namings.map(({ to }) => path.basename(path.dirname(to)));
    expect(new Set(places)).toEqual(new Set(["root", "sha256", "layers", "rootfs"]));
    expect(namings.at(-1)).toMatchObject({
      to: expect.stringMatching(/\/index\.json$/) as string,
      pending: [],
    });
    expect([...pending]).toEqual([]);
  });

  test("with what was not synced gone, blobs are right or absent, and the next pull makes the rest", async () => {
    const root = path.join(temporaryDirectory(), "root");
    const env = { PULLRUN_ROOTFS_DRIVER: driver };
    let lost = 0;
    for (let at = 1; ; at += 5) {
      rmSync(root, { recursive: true, force: true });
      const { dirty, namings } = await recordPull({ root, driver, at });
      for (const file of dirty) {
        if (!existsSync(file)) continue;
        truncateSync(file, 0);
        lost++;
      }
      const listed = await pullrun(["images", "-q"], { root, env });
      const verified = await pullrun(["verify"], { root, env });
      expect({ at, listed: listed.status, verified }).toMatchObject({ listed: 0, verified: { status: 0 } });
      for (const args of [["pull", "-q", name], ["run", "--rm", "-q", name], ["verify"]])
        expect({ at, args, ...(await pullrun(args, { root, env })) }).toMatchObject({ status: 0 });
      if (namings.some(({ to }) => to === path.join(root, "index.json") && listed.stdout !== "")) break;
    }
    expect(lost).toBeGreaterThan(0);
  }, 120_000);
});
