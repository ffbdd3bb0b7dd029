import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pullrun, temporaryDirectory, type CliOptions, type CliResult } from "../support/cli.js";
import { probeOf } from "../support/container.js";
import { needsNamespaces } from "../support/namespaces.js";
import { serveFixtures, type Served } from "../support/served.js";
import { isRoot } from "../support/tools.js";
import { ordinaryUid, testUsers } from "../support/users.js";

const needsRoot = isRoot ? needsNamespaces : "needs root: ";

let served: Served;

beforeAll(async () => {
  served = await serveFixtures();
});
afterAll(() => served.close());

describe.skipIf(needsNamespaces !== "").each(testUsers)(`${needsNamespaces}as $who`, ({ as }) => {
  function run(
    image: string,
    args: readonly string[] = [],
    options: CliOptions & { flags?: string[] } = {},
  ): Promise<CliResult> {
    const { flags = [], ...rest } = options;
    const name = `${served.host}/pullrun/${image}`;
    return pullrun(["run", "--rm", "-q", ...flags, name, ...args], {
      root: temporaryDirectory(as),
      ...as,
      ...rest,
    });
  }

  test("hello-world pulls with a token, runs and prints its message", async () => {
    const { status, stdout, stderr } = await run("hello-world");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("Hello from pullrun!");
  });

  test.each([0, 1, 42, 255])("the container's exit status %i is ours", async (code) => {
    expect((await run("probe", ["exit", String(code)])).status).toBe(code);
  });

  test("a container killed from outside gives 137", async () => {
    const { status } = await run("probe", ["wait"], {
      onStart: (child) => void killContainer(child.pid ?? 0),
    });
    expect(status).toBe(137);
  });

  test("a signal to the command reaches the container", async () => {
    const { status, stdout } = await run("probe", ["wait"], {
      onStart: (child) => void probeOf(child.pid ?? 0).then(() => child.kill("SIGTERM")),
    });
    expect({ status, stdout }).toEqual({
      status: 143,
      stdout: expect.stringContaining("signal 15") as string,
    });
  });

  test("a command that is not in the image gives 127 and one clear line", async () => {
    const { status, stderr } = await run("probe", [], { flags: ["--entrypoint", "no-such-program"] });
    expect(status).toBe(127);
    expect(stderr).toMatch(/^pullrun: .*not found.*no-such-program/m);
  });

  test("a command that is a directory gives 126", async () => {
    expect((await run("probe", [], { flags: ["--entrypoint", "/bin"] })).status).toBe(126);
  });

  test("CMD in shell form goes through /bin/sh -c", async () => {
    expect((await run("shell-form")).stdout).toBe("sh -c: echo hello from the shell form\n");
  });

  test("ENTRYPOINT keeps, and arguments replace CMD", async () => {
    expect((await run("entrypoint")).stdout).toBe("/bin/probe\nargs\none\ntwo\n");
    expect((await run("entrypoint", ["three"])).stdout).toBe("/bin/probe\nargs\nthree\n");
  });

  test("stdin is empty without -i and ours with it", async () => {
    expect((await run("probe", ["cat"], { input: "lost" })).stdout).toBe("");
    expect((await run("probe", ["cat"], { input: "kept", flags: ["-i"] })).stdout).toBe("kept");
  });

  test("the environment is the image's, ours on top, and nothing of the host's", async () => {
    const flags = ["-e", "GREETING=hi", "-e", "FROM_HOST", "-e", "NOT_SET"];
    const { stdout } = await run("environment", [], {
      flags,
      env: { FROM_HOST: "copied", SECRET: "host only" },
    });
    expect(stdout.split("\n")).toEqual(
      expect.arrayContaining(["GREETING=hi", "FROM_HOST=copied", "SIGN=a=b", "UMLAUT=grüße"]),
    );
    expect(stdout).not.toMatch(/SECRET|NOT_SET/);
  });

  test("deleted files are gone, opaque directories hide what was below", async () => {
    const { stdout } = await run("whiteouts");
    expect(stdout).toMatch(/: no$/m);
    expect(stdout).toMatch(/: yes$/m);
  });

  test("layers stored as gzip, zstd and plain tar all arrive", async () => {
    expect((await run("compressions")).stdout.match(/stored as (\w+)/g)).toEqual([
      "stored as gzip",
      "stored as none",
      "stored as zstd",
    ]);
  });
});

async function killContainer(supervisor: number): Promise<void> {
  process.kill(await probeOf(supervisor), "SIGKILL");
}

test.skipIf(needsRoot !== "")(
  `${needsRoot}without subordinate ids an image's own user gets the one id there is`,
  async () => {
    const uid = ordinaryUid;
    const name = `${served.host}/pullrun/environment`;
    const { status, stdout } = await pullrun(["run", "--rm", "-q", name, "id"], {
      root: temporaryDirectory({ uid }),
      uid,
    });
    expect({ status, stdout: stdout.slice(0, 17) }).toEqual({ status: 0, stdout: "uid 1000 gid 1000" });
  },
);

test.skipIf(needsRoot !== "")(
  `${needsRoot}USER by name gets its ids and supplementary groups from the image`,
  async () => {
    const name = `${served.host}/pullrun/environment`;
    const { stdout } = await pullrun(["run", "--rm", "-q", name, "id"], { root: temporaryDirectory() });
    expect(stdout).toMatch(/1000.*1000.*2001.*2002/s);
  },
);

test.skipIf(needsNamespaces !== "")(`${needsNamespaces}a second run asks the registry nothing`, async () => {
  const root = temporaryDirectory();
  const name = `${served.host}/pullrun/probe`;
  await pullrun(["run", "--rm", "-q", name, "exit", "0"], { root });
  const before = served.requests.length;
  expect((await pullrun(["run", "--rm", "--pull=never", name, "exit", "7"], { root })).status).toBe(7);
  expect(served.requests.length).toBe(before);
});
