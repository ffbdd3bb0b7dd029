import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { readCgroupHost } from "../../src/launch/cgroup-host.js";
import { statusOf, until } from "../helper/supervised.js";
import { busybox, needsBusybox } from "../support/busybox.js";
import { pullrun, temporaryDirectory, type CliOptions, type CliResult } from "../support/cli.js";
import { needsNamespaces } from "../support/namespaces.js";
import { isRoot } from "../support/tools.js";
import { squashIds, testUsers } from "../support/users.js";

const needs = `${needsBusybox}${needsNamespaces}`;

/** What a process has open and sees of the disk goes before it does. */
function hasEnded(pid: string): boolean {
  try {
    return /^State:\t[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}

describe.skipIf(needs !== "").each(testUsers)(`${needs}a container in the background, as $who,`, ({ as }) => {
  const quiet = ["-q", ...squashIds(as), "--network", "none"];

  function store(): string {
    const root = temporaryDirectory(as);
    onTestFinished(async () => {
      const { stdout } = await pullrun(["ps", "-aq"], { root, ...as });
      const ids = stdout.split("\n").filter((id) => id !== "");
      if (ids.length > 0) await pullrun(["rm", "-f", ...ids], { root, ...as });
    });
    return root;
  }

  const cli = (root: string, args: readonly string[], options: CliOptions = {}): Promise<CliResult> =>
    pullrun(args, { root, ...as, ...options });

  async function detached(root: string, ...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await cli(root, ["run", "-d", ...quiet, ...args]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    return path.join(root, "containers", stdout.trim());
  }

  test("leaves no Node behind, and costs at most 2 MB", async () => {
    const directory = await detached(store(), busybox, "sleep", "1000");
    const { supervisor = "", pid = "" } = statusOf(directory);
    const parent = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${supervisor}/status`, "utf8"))?.[1] ?? "";
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toBe("sleep\u00001000\u0000");
    expect(readFileSync(`/proc/${parent}/cmdline`, "utf8")).not.toContain("pullrun");
    const rss = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${supervisor}/status`, "utf8"))?.[1];
    expect(Number(rss)).toBeLessThanOrEqual(2048);
  });

  test("that cannot be started says so as in the foreground", async () => {
    const root = store();
    for (const [command, status] of [
      ["/no/such", 127],
      ["/etc", 126],
    ] as const) {
      const foreground = await cli(root, ["run", "--rm", ...quiet, busybox, command]);
      const background = await cli(root, ["run", "--rm", "-d", ...quiet, busybox, command]);
      expect(background.status).toBe(status);
      expect(background).toMatchObject({ status: foreground.status, stderr: foreground.stderr });
    }
    expect(readdirSync(path.join(root, "containers"))).toEqual([]);
  });

  test("is removed by its supervisor with --rm", async () => {
    const directory = await detached(store(), "--rm", busybox, "true");
    await until(() => !existsSync(directory));
  });

  test("comes back under its restart policy, in the same files, until it is stopped", async () => {
    const root = store();
    const script =
      "echo x >> /count; cat /count | wc -l; test $(cat /count | wc -l) -lt 3 || exec sleep 1000; exit 1";
    const directory = await detached(
      root,
      "--name",
      "again",
      "--restart",
      "always",
      busybox,
      "sh",
      "-c",
      script,
    );
    await until(() => statusOf(directory)["restarts"] === "2" && statusOf(directory)["state"] === "running");
    await until(() => readFileSync(path.join(directory, "log"), "utf8").split("\n").length > 3);
    expect((await cli(root, ["logs", "again"])).stdout).toBe("1\n2\n3\n");
    expect((await cli(root, ["stop", "-t", "0", "again"])).status).toBe(0);
    expect(statusOf(directory)).toMatchObject({ state: "exited", exit: "137", restarts: "2" });
  });

  test("that fails for ever can be stopped while it waits for its next start", async () => {
    const root = store();
    const directory = await detached(root, "--name", "failing", "--restart", "always", busybox, "false");
    await until(() => Number(statusOf(directory)["restarts"]) >= 3);
    expect((await cli(root, ["stop", "failing"])).status).toBe(0);
    await until(() => statusOf(directory)["state"] === "exited");
    const { restarts } = statusOf(directory);
    await sleep(1000);
    expect(statusOf(directory)["restarts"]).toBe(restarts);
  });

  test("dies with its supervisor: it is shown as killed, and can be started again and removed", async () => {
    const root = store();
    const directory = await detached(root, "--name", "orphan", busybox, "sleep", "1000");
    const { supervisor = "", pid = "" } = statusOf(directory);
    process.kill(Number(supervisor), "SIGKILL");
    await until(() => hasEnded(pid));
    const listed = await cli(root, ["ps", "-a", "--format", "{{.Names}} {{.Status}}"]);
    expect(listed.stdout).toMatch(/^orphan Exited \(137\)/);
    expect((await cli(root, ["start", "orphan"])).status).toBe(0);
    expect(statusOf(directory)["state"]).toBe("running");
    expect((await cli(root, ["rm", "-f", "orphan"])).status).toBe(0);
    expect(existsSync(directory)).toBe(false);
  });

  test("gives whoever started it all of its output, and takes all of the input", async () => {
    const root = store();
    const input = "0123456789abcde\n".repeat(100_000);
    const { status, stdout } = await cli(root, ["run", "-i", ...quiet, "--name", "pipe", busybox, "cat"], {
      input,
    });
    expect(status).toBe(0);
    expect(stdout === input).toBe(true);
    expect((await cli(root, ["logs", "pipe"])).stdout === input).toBe(true);
  });

  test.each([
    ["stdout", "out\n", ""],
    ["STDERR", "", "err\n"],
  ])("shows with -a %s nothing else, and logs all", async (stream, stdout, stderr) => {
    const root = store();
    const command = ["sh", "-c", "echo out; echo err >&2; exit 3"];
    const shown = await cli(root, ["run", ...quiet, "--name", "one", "-a", stream, busybox, ...command]);
    expect(shown).toEqual({ status: 3, stdout, stderr });
    expect(await cli(root, ["logs", "one"])).toEqual({ status: 0, stdout: "out\n", stderr: "err\n" });
  });

  test("is given its input with -a stdin, and its id is all that is shown", async () => {
    const root = store();
    const flags = [...quiet, "--name", "one", "-i", "-a", "stdin"];
    const given = await cli(root, ["run", ...flags, busybox, "sh", "-c", "cat; exit 4"], {
      input: "all of it",
    });
    expect(given).toMatchObject({ status: 0, stderr: "" });
    expect(given.stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect((await cli(root, ["wait", "one"])).stdout).toBe("4\n");
    expect((await cli(root, ["logs", "one"])).stdout).toBe("all of it");
  });

  test("is not attached to from the background, or by a stream that is none", async () => {
    const root = store();
    const run = (...flags: string[]): Promise<CliResult> => cli(root, ["run", ...quiet, ...flags, busybox]);
    expect(await run("-d", "-a", "stdout")).toMatchObject({
      status: 125,
      stderr: expect.stringContaining("--attach: conflicts with --detach") as string,
    });
    expect(await run("-a", "stdio")).toMatchObject({
      status: 125,
      stderr: expect.stringContaining("--attach: stdio: no stream") as string,
    });
  });

  test("whose first client is killed runs on", async () => {
    const root = store();
    const watched = cli(
      root,
      ["run", ...quiet, "--name", "watched", busybox, "sh", "-c", "echo up; sleep 1000"],
      {
        onStart: (child) => child.stdout?.once("data", () => child.kill("SIGKILL")),
      },
    );
    expect((await watched).status).toBe(137);
    expect((await cli(root, ["ps", "--format", "{{.Names}}"])).stdout).toBe("watched\n");
  });

  const canLimit =
    as.uid === undefined &&
    readCgroupHost().hierarchies.some(({ controllers }) => controllers.includes("memory"));

  test.skipIf(!canLimit || !isRoot)(
    "needs root and a memory cgroup: out of memory gives 137 and a note, and is on record",
    async () => {
      const root = store();
      const limited = [...quiet, "-m", "16m"];
      const note = expect.stringContaining("the container was out of memory, and killed") as string;
      const foreground = await cli(root, ["run", "--rm", ...limited, busybox, "tail", "/dev/zero"]);
      expect(foreground).toMatchObject({ status: 137, stderr: note });
      const kept = await cli(root, ["run", "--name", "hungry", ...limited, busybox, "tail", "/dev/zero"]);
      expect(kept).toMatchObject({ status: 137, stderr: note });
      const format = "{{.State.OOMKilled}} {{.State.ExitCode}}";
      expect((await cli(root, ["inspect", "--format", format, "hungry"])).stdout).toBe("true 137\n");
    },
  );
});
