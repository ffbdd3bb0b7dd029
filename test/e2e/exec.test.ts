import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { busybox, needsBusybox } from "../support/busybox.js";
import { pullrunPath, temporaryDirectory } from "../support/cli.js";
import { engine, quick, type Engine } from "../support/engine.js";
import { needsNamespaces } from "../support/namespaces.js";
import { needsPty, onPty } from "../support/pty.js";
import { isRoot } from "../support/tools.js";
import { testUsers } from "../support/users.js";

const needs = `${needsNamespaces}${needsBusybox}`;

async function sleeping(engineOf: Engine, ...flags: readonly string[]): Promise<Engine> {
  await engineOf.ok("run", "-q", "-d", ...quick, "--name", "job", ...flags, busybox, "sleep", "60");
  return engineOf;
}

describe.skipIf(needs !== "").each(testUsers)(`${needs}as $who, exec`, (user) => {
  test("sees the container's processes, files, host name and variables, and gives the command's status", async () => {
    const flags = ["-e", "FROM=run", "--hostname", "inside", "-w", "/tmp"];
    const { run, ok } = await sleeping(engine(user), ...flags);
    const script = "cat /proc/1/cmdline; hostname; pwd; echo $FROM; echo aside >&2; exit 42";
    expect(await run(["exec", "job", "sh", "-c", script])).toEqual({
      status: 42,
      stdout: "sleep\x0060\0inside\n/tmp\nrun\n",
      stderr: "aside\n",
    });
    await ok("exec", "job", "touch", "/made");
    expect(await ok("exec", "job", "ls", "/made")).toBe("/made");
  });

  test("as a user the container has no id for says so, and how to have one", async () => {
    const { run } = await sleeping(engine(user));
    const { status, stderr } = await run(["exec", "-u", "4000000", "job", "true"]);
    if (isRoot && user.as.uid === undefined) {
      expect(status).toBe(0);
      return;
    }
    expect(status).toBe(125);
    expect(stderr).toMatch(
      /^pullrun: cannot change to user: 4000000:0: .*\nhint: .*run -u.*\/etc\/subuid.*\n$/,
    );
  });

  test("takes variables, a directory and input of its own", async () => {
    const { run } = await sleeping(engine(user), "-e", "KEEP=1", "-e", "GO=1");
    const flags = ["-i", "-e", "GO", "-e", "NEW=a=b", "-w", "/etc"];
    const env = { GO: "from here" };
    const args = ["exec", ...flags, "job", "sh", "-c", "echo $KEEP $GO $NEW; pwd; cat"];
    const { stdout } = await run(args, { input: "typed", env });
    expect(stdout).toBe("1 from here a=b\n/etc\ntyped");
    expect((await run(["exec", "job", "cat"], { input: "lost" })).stdout).toBe("");
  });

  test.each([
    [127, ["no-such-program"]],
    [127, ["/bin/no-such-program"]],
    [126, ["/etc"]],
    [137, ["sh", "-c", "kill -9 $$"]],
    [143, ["sh", "-c", "kill -15 $$"]],
  ])("ends with %i for %j", async (status, command) => {
    const { run } = await sleeping(engine(user));
    expect((await run(["exec", "job", ...command])).status).toBe(status);
    const inBackground = (await run(["exec", "-d", "job", ...command])).status;
    expect(inBackground).toBe(status < 128 ? status : 0);
  });

  test("in what is no directory there it ends with docker's 126", async () => {
    const { run } = await sleeping(engine(user));
    for (const directory of ["/no-such-directory", "/etc/passwd"])
      for (const flags of [[], ["-d"]]) {
        const result = await run(["exec", ...flags, "-w", directory, "job", "true"]);
        expect(result).toMatchObject({ status: 126, stdout: "" });
        expect(result.stderr).toMatch(/^pullrun: cannot change to the working directory: \/[^\n]+\n$/);
      }
  });

  test("in the background returns at once, and the command goes on", async () => {
    const { root, ok } = await sleeping(engine(user));
    expect(await ok("exec", "-d", "job", "sh", "-c", "sleep 0.5; echo done > /done")).toBe("");
    await expect.poll(() => ok("exec", "job", "sh", "-c", "cat /done || true")).toBe("done");
    const [id = ""] = readdirSync(path.join(root, "containers"));
    const left = readdirSync(path.join(root, "containers", id)).filter((name) => name.startsWith("exec-"));
    expect(left).toEqual([]);
  });

  test("has no more privileges than the container, and all of its own namespace with --privileged", async () => {
    const { ok } = await sleeping(engine(user));
    const wanted = /^(Cap|NoNewPrivs|Seccomp:|Groups)/;
    const confinement = async (...command: readonly string[]): Promise<string[]> =>
      (await ok("exec", ...command)).split("\n").filter((line) => wanted.test(line));
    const own = await confinement("job", "cat", "/proc/1/status");
    expect(await confinement("job", "cat", "/proc/self/status")).toEqual(own);
    expect(own).toContain("CapBnd:\t00000000a80425fb");
    const privileged = await confinement("--privileged", "job", "cat", "/proc/self/status");
    expect(privileged).not.toContain("CapBnd:\t00000000a80425fb");
    expect(privileged).toContain("CapAmb:\t0000000000000000");
  });

  test("CVE-2022-27650, CVE-2022-29162: leaves nothing to inherit", async () => {
    const { ok } = await sleeping(engine(user));
    for (const flags of [
      [],
      ["-u", "0"],
      ["--privileged"],
      ...(isRoot && user.as.uid === undefined ? [["-u", "1000"]] : []),
    ])
      expect(await ok("exec", ...flags, "job", "grep", "CapInh", "/proc/self/status")).toBe(
        "CapInh:\t0000000000000000",
      );
  });

  test("into a container that does not run, or is not there, says so", async () => {
    const { run, ok } = engine(user);
    await ok("create", "-q", ...quick, "--name", "new", busybox);
    const created = await run(["exec", "new", "true"]);
    expect(created.status).toBe(125);
    expect(created.stderr).toMatch(
      /^pullrun: exec: new: the container is created \(expected running\)\nhint: /,
    );
    expect((await run(["exec", "nobody", "true"])).stderr).toMatch(/no such container/);
  });

  test.skipIf(needsPty !== "")(`${needsPty}gets a terminal with -t`, async () => {
    const { root, ok } = await sleeping(engine(user));
    const as = user.as.uid === undefined ? [] : ["setpriv", `--reuid=${user.as.uid}`, "--clear-groups"];
    const command = [...as, pullrunPath, "--root", root, "exec", "-it", "job", "sh", "-c"];
    const pty = await onPty([...command, "tty; stty size; exit 3"]);
    const { status, shown, mode } = await pty.ended();
    expect({ status, shown: shown.split("\r\n") }).toEqual({ status: 3, shown: ["/dev/pts/0", "24 80", ""] });
    expect(mode).toBe("cooked");
    expect(await ok("ps", "--format", "{{.Names}}")).toBe("job");
  });
});

describe.skipIf(!isRoot || needs !== "")(`${isRoot ? needs : "needs root: "}exec as another user`, () => {
  test("takes the user from the container's own passwd, as it is now", async () => {
    const { ok } = await sleeping(engine({ as: {} }));
    await ok("exec", "job", "sh", "-c", "echo eve:x:77:78::/home/eve:/bin/sh >> /etc/passwd");
    await ok("exec", "job", "sh", "-c", "echo crew:x:79:eve >> /etc/group");
    expect(await ok("exec", "-u", "eve", "job", "sh", "-c", "id -u; id -G; echo $HOME")).toBe(
      "77\n78 79\n/home/eve",
    );
    expect(
      await ok("exec", "-u", "5:6", "job", "sh", "-c", "id -u; id -G; grep CapEff /proc/self/status"),
    ).toBe("5\n6\nCapEff:\t0000000000000000");
  });

  test.each([
    ["a link to a file of the host's", (file: string) => `ln -s ${file} /etc/passwd`],
    ["a FIFO", () => "mkfifo /etc/passwd"],
  ])("CVE-2024-9676: %s in the place of /etc/passwd is not read, nor waited for", async (_what, make) => {
    const { run, ok } = engine({ as: {} });
    const file = path.join(temporaryDirectory(), "passwd");
    writeFileSync(file, "eve:x:77:78::/home/eve:/bin/sh\n");
    await ok("run", "-q", "-d", ...quick, "--name", "job", busybox, "sleep", "60");
    await ok("exec", "job", "sh", "-c", `rm -f /etc/passwd && ${make(file)}`);
    const { status, stderr } = await run(["exec", "-u", "eve", "job", "id"]);
    expect({ status, stderr: stderr.split("\n")[0] }).toEqual({
      status: 125,
      stderr:
        "pullrun: user: eve: no user eve in the image's /etc/passwd (expected a name or 0 to 2147483647)",
    });
  });
});
