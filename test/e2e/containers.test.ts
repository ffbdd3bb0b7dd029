import { once } from "node:events";
import { readdirSync, utimesSync } from "node:fs";
import path from "node:path";
import type { ChildProcess } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pullrun, temporaryDirectory } from "../support/cli.js";
import { isRunning, probeOf } from "../support/container.js";
import { needsNamespaces } from "../support/namespaces.js";
import { serveFixtures, type Served } from "../support/served.js";
import { testUsers } from "../support/users.js";

/** What a running container holds on to, and what one that died badly leaves. */
let served: Served;

beforeAll(async () => {
  served = await serveFixtures();
});
afterAll(() => served.close());

describe.skipIf(needsNamespaces !== "").each(testUsers)(`${needsNamespaces}as $who`, ({ as: user }) => {
  const name = (): string => `${served.host}/pullrun/probe`;

  async function start(root: string): Promise<{ child: ChildProcess; ended: Promise<unknown> }> {
    let child: ChildProcess | undefined;
    const run = pullrun(["run", "--rm", "-q", name(), "wait"], {
      root,
      ...user,
      onStart: (started) => (child = started),
    });
    if (child === undefined) throw new Error("not started");
    await probeOf(child.pid ?? 0);
    return { child, ended: run };
  }

  test("rmi refuses an image a container runs on, and removes it afterwards", async () => {
    const root = temporaryDirectory(user);
    const { child, ended } = await start(root);
    const refused = await pullrun(["rmi", name()], { root, ...user });
    child.kill("SIGTERM");
    await ended;
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/a running container uses it\nhint: stop the container first/);
    expect((await pullrun(["rmi", name()], { root, ...user })).status).toBe(0);
  });

  test("SIGKILL of the command ends the container too, and rmi clears away its directory", async () => {
    const root = temporaryDirectory(user);
    const { child, ended } = await start(root);
    const probe = await probeOf(child.pid ?? 0);
    child.kill("SIGKILL");
    await Promise.all([once(child, "exit"), ended]);
    await expect.poll(() => isRunning(probe)).toBe(false);
    const [left = ""] = readdirSync(path.join(root, "containers"));
    const old = path.join(root, "containers", left);
    utimesSync(old, 1, 1);
    expect((await pullrun(["rmi", name()], { root, ...user })).status).toBe(0);
    expect(readdirSync(path.join(root, "containers"))).toEqual([]);
  });

  test("ten containers at once all run, and leave nothing behind", async () => {
    const root = temporaryDirectory(user);
    await pullrun(["pull", "-q", name()], { root, ...user });
    const runs = Array.from({ length: 10 }, (_, i) =>
      pullrun(["run", "--rm", name(), "exit", String(i)], { root, ...user }),
    );
    expect((await Promise.all(runs)).map(({ status }) => status)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(readdirSync(path.join(root, "containers"))).toEqual([]);
  });
});
