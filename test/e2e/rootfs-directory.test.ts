import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { busybox, needsBusybox } from "../support/busybox.js";
import { pullrun, temporaryDirectory, type CliResult } from "../support/cli.js";
import { needsNamespaces } from "../support/namespaces.js";
import { isRoot } from "../support/tools.js";
import { testUsers } from "../support/users.js";

const needs = `${needsBusybox}${needsNamespaces}`;

describe.skipIf(needs !== "").each(testUsers)(`${needs}--rootfs as $who`, ({ as }) => {
  async function unpacked(): Promise<{
    directory: string;
    root: string;
    run(args: readonly string[]): Promise<CliResult>;
  }> {
    const root = temporaryDirectory(as);
    const directory = path.join(temporaryDirectory(as), "root");
    await pullrun(["unpack", busybox, directory], { root, ...as });
    const run = (args: readonly string[]): Promise<CliResult> =>
      pullrun(["run", "--network", "none", "--rm", "--rootfs", ...args], { root, ...as });
    return { directory, root, run };
  }

  test("runs in the directory as it is, and with :O over it", async () => {
    const { directory, root, run } = await unpacked();
    const script = "cat /proc/1/comm; echo x > /made; exit 7";
    expect(await run([directory, "sh", "-c", script])).toMatchObject({ status: 7, stdout: "sh\n" });
    expect(existsSync(path.join(directory, "made"))).toBe(true);
    expect((await run([`${directory}:O`, "rm", "/made"])).status).toBe(0);
    expect(existsSync(path.join(directory, "made"))).toBe(true);
    expect((await pullrun(["ps", "-aq"], { root, ...as })).stdout).toBe("");
  });

  test("users are looked up in it, and never through a link out of it", async () => {
    const { directory, run } = await unpacked();
    const outside = path.join(temporaryDirectory(as), "passwd");
    writeFileSync(outside, "stranger:x:0:0::/:/bin/sh\n");
    rmSync(path.join(directory, "etc/passwd"));
    symlinkSync(outside, path.join(directory, "etc/passwd"));
    const { status, stderr } = await run(["-u", "stranger", directory, "id"]);
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: expect.stringContaining("no user stranger") as string,
    });
  });

  test("a container of one that stays is started again, and its files can be copied", async () => {
    const { directory, root } = await unpacked();
    const command = (...args: readonly string[]): Promise<CliResult> => pullrun(args, { root, ...as });
    const script = "echo run >> /log; cat /log";
    const made = ["--network", "none", "--name", "box", "--rootfs", `${directory}:O`, "sh", "-c", script];
    await command("create", ...made);
    expect((await command("start", "-a", "box")).stdout).toBe("run\n");
    expect((await command("start", "-a", "box")).stdout).toBe("run\nrun\n");
    const copy = path.join(temporaryDirectory(as), "log");
    expect(await command("cp", "box:/log", copy)).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(existsSync(path.join(directory, "log"))).toBe(false);
    expect((await command("rm", "box")).status).toBe(0);
  });

  test("a directory that is not there, and one without a command, are errors of ours", async () => {
    const { directory, run } = await unpacked();
    expect((await run(["/not/there", "sh"])).stderr).toMatch(/--rootfs: .not.there: cannot be opened/);
    expect(await run([directory])).toMatchObject({ status: 125 });
  });
});

const noRoot = isRoot ? "" : "needs root: ";

test.skipIf(noRoot + needsNamespaces !== "")(
  `${noRoot}${needsNamespaces}--rootfs says to an ordinary user what is wrong with somebody else's directory`,
  async () => {
    const directory = path.join(temporaryDirectory(), "root");
    mkdirSync(path.join(directory, "etc"), { recursive: true });
    chmodSync(path.dirname(directory), 0o755);
    const as = testUsers.find(({ who }) => who === "an ordinary user")?.as;
    const root = temporaryDirectory(as);
    const run = ["run", "--network", "none", "--rm", "--rootfs", directory, "true"];
    const { status, stderr } = await pullrun(run, { root, ...as });
    expect(status).toBe(125);
    expect(stderr).toContain(
      `warning: --rootfs: ${directory}: the container cannot write there: DIR:O keeps`,
    );
    chmodSync(directory, 0o700);
    expect(await pullrun(run, { root, ...as })).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(
        /root: cannot be opened: permission denied .*\nhint: look at its permissions/,
      ) as string,
    });
  },
);
