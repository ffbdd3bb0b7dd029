import { describe, expect, test } from "vitest";
import { demoLayout, pullrun, temporaryDirectory } from "../support/cli.js";
import { needsNamespaces, needsRealRoot } from "../support/namespaces.js";
import { ordinaryUid } from "../support/users.js";

const hello = `oci:${demoLayout}:pullrun/hello-world:latest`;

interface Linux {
  readonly resources: object;
}

async function ok(root: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await pullrun(args, { root });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

async function specWith(...flags: string[]): Promise<Record<string, unknown>> {
  const { status, stdout } = await pullrun(["spec", ...flags, hello], { root: temporaryDirectory() });
  expect(status).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe("flags of run in the spec", () => {
  test("--umask and --annotation", async () => {
    const spec = await specWith("--umask", "0027", "--annotation", "org.example=1", "--annotation", "empty");
    expect(spec).toMatchObject({
      annotations: { "org.example": "1", empty: "" },
      process: { user: { umask: 0o027 } },
    });
  });

  test("0 is docker's word for no limit, and '' for no directory", async () => {
    const zeros =
      "-m 0 --memory-swap 0 --memory-reservation 0 --cpus 0 --cpu-shares 0 --cpu-quota 0 --cpu-period 0";
    const spec = await specWith(...zeros.split(" "), "--blkio-weight", "0", "--shm-size", "0", "-w", "");
    const plain = await specWith();
    expect(spec["mounts"]).toEqual(plain["mounts"]);
    expect(spec["process"]).toMatchObject({ cwd: (plain["process"] as { cwd: string }).cwd });
    expect((spec["linux"] as Linux).resources).toEqual((plain["linux"] as Linux).resources);
  });

  test("-e GLIBC_TUNABLES copies the user's, not what our own start sets for itself", async () => {
    const variables = async (env: Record<string, string>): Promise<string[]> => {
      const root = temporaryDirectory();
      const { stdout } = await pullrun(["spec", "-e", "GLIBC_TUNABLES", hello], { root, env });
      return (JSON.parse(stdout) as { process: { env: string[] } }).process.env;
    };
    expect((await variables({})).join()).not.toContain("GLIBC_TUNABLES");
    const theirs = "glibc.malloc.check=0";
    expect(await variables({ GLIBC_TUNABLES: theirs })).toContain(`GLIBC_TUNABLES=${theirs}`);
  });

  test("-h is the host name, as in docker", async () => {
    expect(await specWith("-h", "box")).toMatchObject({ hostname: "box" });
  });

  test.each([
    ["--umask", "9"],
    ["--annotation", "=x"],
  ])("%s %s is an error", async (flag, value) => {
    const { status, stderr } = await pullrun(["run", flag, value, hello], { root: temporaryDirectory() });
    expect({ status, stderr }).toMatchObject({
      status: 125,
      stderr: expect.stringContaining(`${flag}: ${value}`) as string,
    });
  });
});

describe.skipIf(needsNamespaces !== "")(`${needsNamespaces}flags of run that containers feel`, () => {
  test("--log-driver none keeps no log", async () => {
    const root = temporaryDirectory();
    await ok(root, "run", "-q", "--name", "silent", "--log-driver", "none", hello);
    const { status, stderr } = await pullrun(["logs", "silent"], { root });
    expect({ status, stderr }).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("has no log") as string,
    });
    expect(await ok(root, "inspect", "-f", "{{.HostConfig.LogConfig.Type}}", "silent")).toBe("none\n");
    await ok(root, "rm", "silent");
  });

  test("--log-opt max-size is where a log is rotated", async () => {
    const root = temporaryDirectory();
    const plan = await ok(
      root,
      "run",
      "-q",
      "--dry-run",
      "--log-opt",
      "max-size=20k",
      "--log-opt",
      "max-file=2",
      hello,
    );
    expect(plan).toMatch(/supervise.*20480/);
    await ok(root, "run", "-q", "--name", "small", "--log-opt", "max-size=20k", hello);
    expect(
      await ok(root, "inspect", "-f", '{{index .HostConfig.LogConfig.Config "max-size"}}', "small"),
    ).toBe("20480\n");
    await ok(root, "rm", "small");
  });

  test.each([
    [["--log-opt", "tag=x"], "--log-opt: tag=x"],
    [["--log-driver", "journald"], "--log-driver: journald"],
    [
      ["--log-driver", "none", "--log-opt", "max-size=1m"],
      "--log-opt max-size: conflicts with --log-driver none",
    ],
  ])("%j is an error", async (flags, message) => {
    const { status, stderr } = await pullrun(["run", ...flags, hello], { root: temporaryDirectory() });
    expect({ status, stderr }).toMatchObject({
      status: 125,
      stderr: expect.stringContaining(message) as string,
    });
  });
});

test.skipIf(needsNamespaces !== "").each(["none", "host"])(
  `${needsNamespaces}ports of a container with --network %s are published nowhere, which a warning says`,
  async (network) => {
    const flags = ["--rm", "-q", "--network", network, "-p", "80:80", "-P"];
    const { status, stderr } = await pullrun(["run", ...flags, hello], { root: temporaryDirectory() });
    const warning = `warning: --publish has no effect with --network ${network}\n`;
    expect({ status, stderr }).toEqual({ status: 0, stderr: warning });
  },
);

test.skipIf(needsRealRoot !== "")(
  `${needsRealRoot}--network pasta is refused as root, where it becomes nobody and can enter no container`,
  async () => {
    const { status, stderr } = await pullrun(["run", "--rm", "-q", "--network", "pasta", hello], {
      root: temporaryDirectory(),
    });
    expect({ status, stderr }).toMatchObject({
      status: 125,
      stderr: expect.stringContaining("--network: pasta as root (expected bridge") as string,
    });
  },
);

test.skipIf(needsRealRoot !== "")(
  `${needsRealRoot}--group-add of a user with one id has a warning that there are no further groups`,
  async () => {
    const uid = ordinaryUid;
    const flags = ["--rm", "--network", "none", "--group-add", "20"];
    const { status, stderr } = await pullrun(["run", ...flags, hello], {
      root: temporaryDirectory({ uid }),
      uid,
    });
    expect(status).toBe(0);
    expect(stderr).toMatch(/^warning: --group-add has no effect: .*\/etc\/subgid$/m);
  },
);
