import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { busybox, needsBusybox } from "../support/busybox.js";
import { temporaryDirectory, withoutWarnings } from "../support/cli.js";
import { engine, quick } from "../support/engine.js";
import { leftovers } from "../support/leftovers.js";
import { needsNamespaces } from "../support/namespaces.js";
import { testUsers } from "../support/users.js";

/** Containers from their making to their removal, as root and as an ordinary user. */
const needs = `${needsNamespaces}${needsBusybox}`;

/** Ends at once when it is asked to. */
const obedient = ["sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.1; done"];
const deaf = ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"];

describe.skipIf(needs !== "").each(testUsers)(`${needs}as $who`, (user) => {
  test("run leaves the container, with its status, its log and its changes; start runs it again", async () => {
    const { root, run, ok } = engine(user);
    const script = "echo one >> /kept; cat /kept; echo aside >&2; exit 3";
    const first = await run(["run", "-q", ...quick, "--name", "web", busybox, "sh", "-c", script]);
    expect(first).toMatchObject({ status: 3, stdout: "one\n" });
    expect(withoutWarnings(first.stderr)).toBe("aside\n");
    expect(await ok("ps", "-q")).toBe("");
    expect(await ok("ps", "-a", "--format", "{{.Names}} {{.State}} {{.Image}}")).toBe(
      `web exited ${busybox}`,
    );
    const again = await run(["start", "-a", "web"]);
    expect(again).toMatchObject({ status: 3, stdout: "one\none\n", stderr: "aside\n" });
    const logs = await run(["logs", "web"]);
    expect(logs).toMatchObject({ status: 0, stdout: "one\none\none\n", stderr: "aside\naside\n" });
    const id = await ok("inspect", "-f", "{{.Id}}", "web");
    expect(await ok("rm", "web")).toBe("web");
    expect(await leftovers(root, [id])).toEqual([]);
  });

  test("create makes a container that start starts, once", async () => {
    const { ok } = engine(user);
    const id = await ok("create", "-q", ...quick, "--name", "job", busybox, ...obedient);
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await ok("inspect", "-f", "{{.State.Status}} {{.State.Pid}}", "job")).toBe("created 0");
    expect(await ok("start", "job")).toBe("job");
    const pid = await ok("inspect", "-f", "{{.State.Status}} {{.State.Pid}}", id.slice(0, 5));
    expect(pid).toMatch(/^running [1-9][0-9]*$/);
    await ok("start", id);
    expect(await ok("inspect", "-f", "{{.State.Status}} {{.State.Pid}}", "job")).toBe(pid);
  });

  test("run -d prints the id; wait prints the status, of a --rm container too", async () => {
    const { root, ok } = engine(user);
    const stays = await ok("run", "-q", "-d", ...quick, busybox, "sh", "-c", "sleep 0.3; exit 4");
    const goes = await ok("run", "-q", "-d", "--rm", ...quick, busybox, "sh", "-c", "sleep 4; exit 5");
    expect(await ok("wait", stays, goes)).toBe("4\n5");
    expect(await ok("ps", "-a", "--no-trunc", "-q")).toBe(stays);
    await ok("rm", stays);
    await expect.poll(() => leftovers(root, [stays, goes])).toEqual([]);
  });

  test("stop sends the stop signal, and SIGKILL to who does not listen", async () => {
    const { ok } = engine(user);
    await ok("run", "-q", "-d", ...quick, "--name", "obedient", busybox, ...obedient);
    await ok("run", "-q", "-d", ...quick, "--name", "deaf", "--stop-timeout", "1", busybox, ...deaf);
    const usr1 = ["sh", "-c", "trap 'exit 9' USR1; while :; do sleep 0.1; done"];
    await ok("run", "-q", "-d", ...quick, "--name", "other", "--stop-signal", "USR1", busybox, ...usr1);
    await sleep(300);
    expect(await ok("stop", "obedient", "deaf", "other")).toBe("obedient\ndeaf\nother");
    const code = "{{.Name}} {{.State.ExitCode}}";
    expect(await ok("inspect", "-f", code, "obedient", "deaf", "other")).toBe(
      "/obedient 7\n/deaf 137\n/other 9",
    );
    expect(await ok("stop", "obedient")).toBe("obedient");
  });

  test("kill sends any signal; what does not run cannot get one", async () => {
    const { run, ok } = engine(user);
    await ok("run", "-q", "-d", ...quick, "--name", "job", busybox, ...obedient);
    await sleep(300);
    await ok("kill", "-s", "TERM", "job");
    expect(await ok("wait", "job")).toBe("7");
    const { status, stderr } = await run(["kill", "job"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^pullrun: signal: job: the container is exited \(expected running\)\nhint: start it/,
    );
  });

  test("rm refuses what runs, and ends it with -f", async () => {
    const { root, run, ok } = engine(user);
    const id = await ok("run", "-q", "-d", ...quick, "--name", "job", busybox, ...deaf);
    const { status, stderr } = await run(["rm", "job"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^pullrun: remove: job: the container is running \(expected stopped\)/);
    expect(await ok("rm", "-f", "job")).toBe("job");
    expect(await leftovers(root, [id])).toEqual([]);
  });

  test("rm -f of what is not there says so, removes the others, and is no failure", async () => {
    const { run, ok } = engine(user);
    await ok("create", "-q", ...quick, "--name", "web", busybox, "true");
    expect(await run(["rm", "-f", "absent", "web", ""])).toMatchObject({
      status: 0,
      stdout: "web\n",
      stderr: expect.stringMatching(
        /^pullrun: container: absent: no such container\n.*\npullrun: container: "": no such container\n/,
      ) as string,
    });
    expect((await run(["rm", "absent"])).status).toBe(1);
  });

  test("an empty --name, --cidfile and their like are as none, and rename takes no empty name", async () => {
    const { run, ok } = engine(user);
    const names = ["name", "cidfile", "hostname", "domainname", "restart", "stop-signal", "cpuset-cpus"];
    names.push("platform", "pull", "runtime", "uts", "cgroupns", "isolation", "log-driver");
    const empty = names.map((name) => `--${name}=`);
    const id = await ok("create", "-q", ...quick, ...empty, busybox, "true");
    expect(await ok("inspect", "-f", "{{.Name}}", id)).toMatch(/^\/[a-z]+_[a-z]+$/);
    expect(await run(["rename", id, ""])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('rename: "" (expected two or more letters') as string,
    });
  });

  test("restart ends and starts; the log goes on", async () => {
    const { ok } = engine(user);
    const script = "echo up; trap 'echo down; exit 0' TERM; while :; do sleep 0.1; done";
    await ok("run", "-q", "-d", ...quick, "--name", "job", busybox, "sh", "-c", script);
    await sleep(300);
    expect(await ok("restart", "job")).toBe("job");
    await expect.poll(() => ok("logs", "job")).toBe("up\ndown\nup");
  });

  test("stop, restart, start and rm -f at once come to an end, and none waits for what another began", async () => {
    const { root, run, ok } = engine(user);
    await ok("run", "-q", "-d", ...quick, "--name", "web", busybox, ...obedient);
    const words = ["restart", "stop", "start", "restart", "stop"];
    const ends = await Promise.all(words.map((word) => run([word, "web"])));
    for (const { stderr } of ends) expect(stderr).not.toContain("still there");
    const id = await ok("inspect", "-f", "{{.Id}}", "web");
    await Promise.all([run(["restart", "web"]), run(["rm", "-f", "web"])]);
    await run(["rm", "-f", "web"]);
    expect(await leftovers(root, [id])).toEqual([]);
  });

  test("two containers cannot have one name, and rename gives another", async () => {
    const { run, ok } = engine(user);
    await ok("create", "-q", ...quick, "--name", "web", busybox);
    const refused = await run(["create", "-q", ...quick, "--name", "web", busybox]);
    expect(refused.status).toBe(125);
    expect(refused.stderr).toMatch(/^pullrun: --name: web: container [0-9a-f]{12} has that name\nhint: /);
    expect(await ok("ps", "-aq")).toMatch(/^[0-9a-f]{12}$/);
    await ok("rename", "web", "old");
    await ok("create", "-q", ...quick, "--name", "web", busybox);
    expect(await ok("ps", "-a", "--format", "{{.Names}}")).toBe("web\nold");
  });

  test("--cidfile gets the id, and a file that is there is an error before anything is made", async () => {
    const { run, ok } = engine(user);
    const file = path.join(temporaryDirectory(user.as), "cid");
    const id = await ok("create", "-q", ...quick, "--cidfile", file, busybox);
    expect(readFileSync(file, "utf8")).toBe(id);
    const { status, stderr } = await run(["run", "-q", ...quick, "--cidfile", file, busybox]);
    expect({ status, stderr: stderr.split("\n")[0] }).toEqual({
      status: 125,
      stderr: `pullrun: --cidfile: ${file}: is there already`,
    });
    expect((await ok("ps", "-aq")).split("\n")).toHaveLength(1);
  });

  test("twenty at once all run and leave nothing: no directory, name, mount, process or cgroup", async () => {
    const { root, run, ok } = engine(user);
    await ok("pull", "-q", busybox);
    const image = await ok("images", "-q");
    const command = (i: number): string[] => [
      ...[
        "run",
        "--rm",
        "--pull=never",
        ...quick,
        "--name",
        `job${i}`,
        "--cidfile",
        path.join(root, `cid-${i}`),
      ],
      ...[image, "sh", "-c", `exit ${i}`],
    ];
    const all = Array.from({ length: 20 }, (_, i) => i);
    expect((await Promise.all(all.map((i) => run(command(i))))).map(({ status }) => status)).toEqual(all);
    const ids = all.map((i) => readFileSync(path.join(root, `cid-${i}`), "utf8"));
    expect(new Set(ids).size).toBe(20);
    expect(await leftovers(root, ids)).toEqual([]);
  }, 60_000);

  test("an image that a stopped container uses stays, unless only its name is to go", async () => {
    const { run, ok } = engine(user);
    await ok("run", "-q", ...quick, "--name", "job", busybox, "true");
    const id = await ok("inspect", "-f", "{{.Image}}", "job");
    const refused = await run(["rmi", id]);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/a stopped container uses it\nhint: remove the container first/);
    await ok("rmi", "-f", id);
    expect(await ok("images", "-q")).toBe("");
    await ok("prune", "--older-than", "0");
    expect((await run(["start", "-a", "job"])).status).toBe(0);
    await ok("rm", "job");
    expect(await ok("prune", "--older-than", "0")).toMatch(/layer/);
  });

  test("container prune removes what does not run, and nothing else", async () => {
    const { ok } = engine(user);
    const running = await ok("run", "-q", "-d", ...quick, busybox, ...obedient);
    const stopped = await ok("create", "-q", ...quick, busybox);
    expect(await ok("container", "prune", "-f")).toBe(stopped);
    expect(await ok("ps", "-aq", "--no-trunc")).toBe(running);
  });

  test("--restart on-failure starts it again as often as it says, and stop is the end of it", async () => {
    const { ok } = engine(user);
    await ok("run", "-q", "-d", ...quick, "--name", "twice", "--restart", "on-failure:2", busybox, "false");
    await expect
      .poll(() => ok("inspect", "-f", "{{.State.Status}} {{.RestartCount}}", "twice"))
      .toBe("exited 2");
    await ok("run", "-q", "-d", ...quick, "--name", "always", "--restart", "always", busybox, ...obedient);
    await sleep(300);
    await ok("stop", "always");
    await sleep(300);
    expect(await ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "always")).toBe("exited 7");
  });

  test("after SIGKILL of its supervisor a container has ended with 137, and can be started and removed", async () => {
    const { root, ok } = engine(user);
    const id = await ok("run", "-q", "-d", ...quick, "--name", "job", busybox, ...obedient);
    const pid = await ok("inspect", "-f", "{{.State.Pid}}", "job");
    const supervisor = /^PPid:\t([0-9]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    process.kill(Number(supervisor), "SIGKILL");
    await expect
      .poll(() => ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", id))
      .toBe("exited 137");
    await ok("start", "job");
    expect(await ok("inspect", "-f", "{{.State.Status}}", "job")).toBe("running");
    await ok("rm", "-f", "job");
    expect(await leftovers(root, [id])).toEqual([]);
  });

  test("after a reboot what was running has ended with 255", async () => {
    const { root, ok } = engine(user);
    const id = await ok("run", "-q", ...quick, "--name", "job", busybox, "true");
    await ok("inspect", "job");
    const [directory = ""] = readdirSync(path.join(root, "containers"));
    const file = path.join(root, "containers", directory, "status");
    const other = "00000000-0000-0000-0000-000000000000";
    writeFileSync(file, `state running\npid 1\nstart 1\nboot ${other}\n`);
    expect(await ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "job")).toBe("exited 255");
    await ok("start", "job");
    expect(await ok("wait", "job")).toBe("0");
    expect(id).toBe("");
  });

  test("a name that was left behind by a directory deleted by hand is free", async () => {
    const { root, ok } = engine(user);
    const id = await ok("create", "-q", ...quick, "--name", "web", busybox);
    rmSync(path.join(root, "containers", id), { recursive: true });
    expect(existsSync(path.join(root, "containers", id))).toBe(false);
    expect(await ok("create", "-q", ...quick, "--name", "web", busybox)).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe.skipIf(needs !== "")(
  `${needs}a command line is refused, with 125 and before anything is made:`,
  () => {
    test.each([
      [["--rm", "--restart", "always"], /--restart always: conflicts with --rm/],
      [["--name", "a/b"], /--name: a\/b \(expected /],
      [["--restart", "sometimes"], /--restart: sometimes: no policy/],
      [["--restart", "always:3"], /--restart: always:3: no policy/],
      [["--stop-signal", "SIGNOPE"], /--stop-signal: SIGNOPE: no signal/],
      [["--label", "=x"], /--label: =x: no name/],
      [["--label-file", "/nonexistent"], /--label-file: \/nonexistent: no such file/],
      [["-i", "-t"], /the input device is not a TTY\nhint: /],
      [["--detach-keys", "ctrl-"], /--detach-keys: ctrl-: not keys/],
    ])("%j", async (flags, message) => {
      const { root, run } = engine({ as: {} });
      const { status, stderr } = await run(["run", "-q", ...quick, ...flags, busybox, "true"]);
      expect(status).toBe(125);
      expect(stderr).toMatch(message);
      expect(await leftovers(root)).toEqual([]);
    });
  },
);
