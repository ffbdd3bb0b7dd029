import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { pullrun, temporaryDirectory } from "../support/cli.js";
import { needsErofs } from "../support/erofs.js";
import { serveFixtures, type Served } from "../support/served.js";

/** What `--rootfs-driver` chooses, seen from the command line. */
let served: Served;

beforeAll(async () => {
  served = await serveFixtures();
});
afterAll(() => served.close());

const image = (name: string): string => `${served.host}/pullrun/${name}`;
/** What the tests were told to run with goes away. */
const env = { PULLRUN_ROOTFS_DRIVER: "" };

function imagesIn(root: string): string[] {
  return readdirSync(path.join(root, "rootfs")).filter((name) => name.endsWith(".erofs"));
}

test("a driver that does not exist is wrong usage", async () => {
  const options = { root: temporaryDirectory(), env: { PULLRUN_ROOTFS_DRIVER: "zfs" } };
  const { status, stderr } = await pullrun(["images"], options);
  expect(status).toBe(2);
  expect(stderr).toMatch(/^pullrun: rootfs driver: zfs: unknown \(expected erofs or directories\)\nhint: /);
});

describe.skipIf(needsErofs !== "")(`${needsErofs}as root`, () => {
  test("an image is erofs by itself, and a container on it leaves nothing behind", async () => {
    const root = temporaryDirectory();
    const { status, stderr } = await pullrun(["run", "--rm", "-q", image("probe"), "exit", "7"], {
      root,
      env,
    });
    expect({ status, stderr }).toEqual({ status: 7, stderr: "" });
    expect(imagesIn(root)).toHaveLength(1);
    expect(readdirSync(path.join(root, "containers"))).toEqual([]);
    expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(root);
  });

  test.each(["erofs", "directories"])(
    "--rootfs-driver %s shows whiteouts and opaque directories alike",
    async (driver) => {
      const root = temporaryDirectory();
      const run = ["--rootfs-driver", driver, "run", "--rm", "-q", image("whiteouts")];
      const { status, stdout } = await pullrun(run, { root, env });
      expect(status).toBe(0);
      expect(stdout).toMatch(/: no$/m);
      expect(stdout).toMatch(/: yes$/m);
      expect(imagesIn(root)).toHaveLength(driver === "erofs" ? 1 : 0);
    },
  );

  test("the plan says what is mounted from where", async () => {
    const root = temporaryDirectory();
    const { stdout } = await pullrun(["run", "--rm", "-q", "--dry-run", image("probe")], { root, env });
    expect(stdout).toMatch(/mount-erofs image=\S+\.erofs at=\S+\/lower-0 devices=\[\S+\/tar/);
  });

  test("rmi removes the image's metadata too", async () => {
    const root = temporaryDirectory();
    await pullrun(["pull", "-q", image("probe")], { root, env });
    expect(imagesIn(root)).toHaveLength(1);
    expect((await pullrun(["rmi", image("probe")], { root, env })).status).toBe(0);
    expect(imagesIn(root)).toEqual([]);
  });

  const needsTmpfs = / \/dev\/shm tmpfs /.test(readFileSync("/proc/self/mounts", "utf8"))
    ? ""
    : "needs tmpfs at /dev/shm: ";
  const needsLoops = existsSync("/dev/loop-control") ? needsTmpfs : `${needsTmpfs}needs loop devices: `;
  test.skipIf(needsLoops !== "")(`${needsLoops}a store on tmpfs runs through loop devices`, async () => {
    const root = mkdtempSync("/dev/shm/pullrun-test-");
    onTestFinished(() => rmSync(root, { recursive: true }));
    const all = await Promise.all(
      [1, 2, 3, 4].map((code) =>
        pullrun(["run", "--rm", "-q", image("probe"), "exit", `${code}`], { root, env }),
      ),
    );
    expect(all.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
      [1, 2, 3, 4].map((status) => ({ status, stderr: "" })),
    );
    expect(imagesIn(root)).toHaveLength(1);
  });
});
