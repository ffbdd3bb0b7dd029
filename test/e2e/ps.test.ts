import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { busybox, needsBusybox } from "../support/busybox.js";
import { engine, quick } from "../support/engine.js";
import { needsNamespaces, needsRealRoot } from "../support/namespaces.js";
import { testUsers } from "../support/users.js";

const needs = `${needsNamespaces}${needsBusybox}`;

describe.skipIf(needs !== "").each(testUsers)(`${needs}as $who, ps`, (user) => {
  test("shows docker's columns, filters and templates", async () => {
    const { run, ok } = engine(user);
    const make = (name: string, ...more: readonly string[]): Promise<string> =>
      ok("run", "-q", "-d", ...quick, "--name", name, ...more, busybox, "sh", "-c", "exit 3");
    await make("first", "-l", "tier=web", "-l", "plain");
    await make("second", "-l", "tier=data");
    await ok("wait", "first", "second");
    const id = await ok("create", "-q", ...quick, "--name", "third", busybox);
    const names = (...flags: readonly string[]): Promise<string> =>
      ok("ps", "-a", "--format", "{{.Names}}", ...flags);

    expect((await ok("ps")).split("\n")).toEqual([
      "CONTAINER ID   IMAGE   COMMAND   CREATED   STATUS   PORTS   NAMES",
    ]);
    expect(await ok("ps", "-a")).toMatch(
      /^[0-9a-f]{12} +oci:\S+ +"sh -c exit 3" +.* ago +Exited \(3\) .* ago +first$/m,
    );
    expect(await ok("ps", "-a", "--filter", "name=third")).toMatch(/Created +third$/);
    expect(await names()).toBe("third\nsecond\nfirst");
    expect(await names("-n", "2")).toBe("third\nsecond");
    expect(await ok("ps", "-l", "-q", "--no-trunc")).toBe(id);
    expect(await names("--filter", "exited=3")).toBe("second\nfirst");
    expect(await names("--filter", "status=created")).toBe("third");
    expect(await names("--filter", "label=tier")).toBe("second\nfirst");
    expect(await names("--filter", "label=tier=web", "--filter", "label=plain")).toBe("first");
    expect(await names("--filter", "name=sec", "--filter", "name=thi")).toBe("third\nsecond");
    expect(await names("--filter", `id=${id.slice(0, 6)}`)).toBe("third");
    expect(await names("--filter", `ancestor=${busybox}`, "--filter", "before=second")).toBe("first");
    expect(await names("--filter", "since=second")).toBe("third");
    const rows = (await ok("ps", "-a", "--format", "json"))
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(rows[2]).toMatchObject({
      Names: "first",
      State: "exited",
      Labels: "tier=web,plain=",
      Command: '"sh -c exit 3"',
    });
    expect(await ok("ps", "-a", "--format", "table {{.Names}}\t{{.State}}")).toMatch(
      /^NAMES +STATE\nthird +created\n/,
    );

    expect(await run(["ps", "--filter", "colour=blue"])).toMatchObject({ status: 2, stdout: "" });
    expect(await run(["ps", "--format", "{{.Nope}}", "-a"])).toMatchObject({ status: 2, stdout: "" });
  });

  test("has docker's filters and columns for mounts and labels", async () => {
    const { ok } = engine(user);
    const mounts = ["-v", "data:/data", "-v", "/etc:/e"];
    await ok("create", "-q", ...quick, "--name", "one", "-l", "tier=web", ...mounts, busybox);
    const names = (filter: string): Promise<string> =>
      ok("ps", "-a", "--format", "{{.Names}}", "--filter", filter);
    for (const fits of ["volume=data", "volume=/e", "health=none"]) expect(await names(fits)).toBe("one");
    for (const none of ["volume=/x", "status=dead", "publish=80/tcp"]) expect(await names(none)).toBe("");
    expect(await ok("ps", "-n", "0", "-q")).toBe("");
    const view = '{{.Names}}\t{{.Label "tier"}}{{.Label "none"}}\t{{.Mounts}}';
    expect(await ok("ps", "-a", "--format", `table ${view}`)).toMatch(
      /^NAMES +MOUNTS\none +web +data,\/etc$/,
    );
  });

  test("top has options for the host's ps, which says them of the container's processes alone", async () => {
    const { run, ok } = engine(user);
    const shell = ["sh", "-c", "printf '#!/bin/sh\nsleep 9' > /bin/ps; sleep 62 & exec sleep 63"];
    await ok("run", "-q", "-d", ...quick, "--name", "job", busybox, ...shell);
    const commands = /^ *PID COMMAND\n *\d+ sleep\n *\d+ sleep$/;
    await expect.poll(() => ok("top", "job", "-o", "pid,comm")).toMatch(commands);
    expect(await ok("top", "job", "-o pid,comm")).toMatch(commands);
    for (const all of ["-ef", "aux", "auxf"])
      expect(await ok("top", "job", all)).toMatch(/^U.* PID .*\n.* sleep 63\n.* sleep 62$/);
    expect(await ok("top", "job", "-eo", "user,pid,comm")).toMatch(/^USER +PID COMMAND\n.*\n.*$/);

    expect(await run(["top", "job", "-o", "comm"])).toMatchObject({
      status: 2,
      stdout: "",
      stderr: expect.stringMatching(/^pullrun: top: couldn't find PID field in ps output .*\nhint: add pid/),
    });
    expect(await ok("top", "job", "-o", "args,pid")).toMatch(/^COMMAND +PID\nsleep 63 +\d+\nsleep 62 +\d+$/);
    expect((await run(["top", "job", "-o", "args,args,pid,tty"])).stderr).toMatch(
      /^pullrun: top: ps: sleep: in the column PID .*\nhint: put pid before columns/,
    );
    expect((await run(["top", "job", "-o", "nope"])).stderr).toMatch(/^pullrun: top: ps: error: .*"nope"/);
    await ok("kill", "job");
    await ok("wait", "job");
    expect((await run(["top", "job", "aux"])).stderr).toMatch(/^pullrun: top: job: the container is exited/);
  });

  test("and top, stats and inspect show what runs", async () => {
    const { ok } = engine(user);
    const shell = ["sh", "-c", "sleep 60 & exec sleep 61"];
    await ok("run", "-q", "-d", ...quick, "--name", "job", "-e", "A=b", "-w", "/tmp", busybox, ...shell);
    await expect.poll(() => ok("top", "job")).toMatch(/sleep 61\n.*sleep 60$/);
    expect(await ok("ps", "--format", "{{.Status}}")).toMatch(/^Up /);
    expect(await ok("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}} {{.CPUPerc}}")).toMatch(
      /^job 2 \d+\.\d\d%$/,
    );
    const view = "{{.Path}} {{.Args}} {{.Config.WorkingDir}} {{.HostConfig.NetworkMode}} {{.State.Running}}";
    expect(await ok("inspect", "--type", "container", "-f", view, "job")).toBe(
      "sh [-c sleep 60 & exec sleep 61] /tmp none true",
    );
    expect(await ok("inspect", "-f", "{{index .Config.Env 0}} {{len .Id}}", "job")).toMatch(/^PATH=.* 64$/);
  });
});

describe.skipIf(needs !== "").each(testUsers)(`${needs}as $who, logs`, (user) => {
  test("follows to the end, keeps the streams apart, and has every byte of an unended line", async () => {
    const { run, ok } = engine(user);
    const script = "printf 'a\\377b'; echo; echo two >&2; sleep 0.5; printf 'no newline'";
    await ok("run", "-q", "-d", ...quick, "--name", "job", busybox, "sh", "-c", script);
    const followed = await run(["logs", "-f", "job"]);
    expect(followed).toMatchObject({ status: 0, stdout: "a\ufffdb\nno newline", stderr: "two\n" });
    expect((await run(["logs", "--tail", "1", "job"])).stdout).toBe("no newline");
    expect((await run(["logs", "-t", "-n", "2", "job"])).stderr).toMatch(/^\d{4}-\d\d-\d\dT[0-9:.]+Z two\n$/);
    expect((await run(["logs", "--since", "0s", "job"])).stdout).toBe("");
  });

  test("has twenty megabytes through a pipe unchanged", async () => {
    const { run, ok } = engine(user);
    const script = "head -c 20000000 /dev/zero | tr '\\0' x";
    const { stdout } = await run(["run", "-q", ...quick, "--name", "job", busybox, "sh", "-c", script]);
    expect(stdout.length).toBe(20_000_000);
    expect((await ok("logs", "--tail", "1", "job")).length).toBeGreaterThan(9_000_000);
  });
});

test.skipIf(needsRealRoot !== "" || needsBusybox !== "")(
  `${needsRealRoot}${needsBusybox}pause stops all processes of a container, unpause lets them go on, kill ends even then`,
  async () => {
    const { run, ok } = engine({ as: {} });
    const script = "while :; do echo tick; sleep 0.05; done";
    await ok("run", "-q", "-d", ...quick, "--name", "job", busybox, "sh", "-c", script);
    await ok("pause", "job");
    expect(await ok("ps", "--format", "{{.State}} {{.Status}}")).toMatch(/^paused Up .* \(Paused\)$/);
    const before = await ok("logs", "job");
    await sleep(300);
    expect(await ok("logs", "job")).toBe(before);
    expect((await run(["exec", "job", "true"])).stderr).toMatch(/is paused .*\nhint: .*unpause job/);
    const twice = await run(["pause", "job"]);
    expect(twice.status).toBe(1);
    expect(twice.stderr).toMatch(/is paused .*\nhint: .*unpause job/);
    await ok("unpause", "job");
    await expect.poll(async () => (await ok("logs", "job")).length).toBeGreaterThan(before.length);
    await ok("pause", "job");
    await ok("kill", "job");
    expect(await ok("wait", "job")).toBe("137");
  },
);
