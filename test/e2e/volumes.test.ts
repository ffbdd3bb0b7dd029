import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { pullrun, temporaryDirectory, type CliResult } from "../support/cli.js";
import { busybox, busyboxWith, needsBusybox } from "../support/busybox.js";
import { needsNamespaces } from "../support/namespaces.js";
import { testUsers } from "../support/users.js";

const needs = `${needsBusybox}${needsNamespaces}`;

/** With a file below the path, which is a VOLUME of the image. */
async function imageWithVolume(volume: string): Promise<string> {
  const file = { name: `${volume.slice(1)}/file`, data: "in the image\n" };
  return busyboxWith([file], { Volumes: { [volume]: {} } });
}

describe.each(testUsers)("volume commands as $who", ({ as }) => {
  function volume(root: string, ...args: readonly string[]): Promise<CliResult> {
    return pullrun(["volume", ...args], { root, ...as });
  }

  test("create prints the name, and makes no second volume of one name", async () => {
    const root = temporaryDirectory(as);
    expect((await volume(root, "create", "data")).stdout).toBe("data\n");
    writeFileSync(path.join(root, "volumes/data/data/file"), "kept");
    expect((await volume(root, "create", "data")).stdout).toBe("data\n");
    expect(readdirSync(path.join(root, "volumes/data/data"))).toEqual(["file"]);
    expect((await volume(root, "create")).stdout).toMatch(/^[0-9a-f]{64}\n$/);
  });

  test("ls has docker's columns, filters and formats", async () => {
    const root = temporaryDirectory(as);
    await volume(root, "create", "one", "--label", "tier=db", "--label", "x");
    await volume(root, "create", "two");
    expect((await volume(root, "ls")).stdout).toBe("DRIVER   VOLUME NAME\nlocal    one\nlocal    two\n");
    expect((await volume(root, "ls", "-q", "--filter", "label=tier=db")).stdout).toBe("one\n");
    expect((await volume(root, "ls", "-q", "-f", "name=tw", "-f", "dangling=true")).stdout).toBe("two\n");
    expect((await volume(root, "ls", "-q", "--filter", "dangling=false")).stdout).toBe("");
    const format = "{{.Name}} {{.Driver}} {{.Labels}}";
    expect((await volume(root, "ls", "--format", format)).stdout).toBe("one local tier=db,x=\ntwo local \n");
    expect((await volume(root, "ls", "--filter", "colour=red")).status).toBe(2);
    expect(JSON.parse((await volume(root, "ls", "--json")).stdout)).toMatchObject([
      { name: "one", labels: { tier: "db", x: "" }, anonymous: false },
      { name: "two" },
    ]);
  });

  test("what docker's drivers do with -o is said to have another place", async () => {
    const { status, stderr } = await volume(temporaryDirectory(as), "create", "-o", "type=nfs", "data");
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(
        /^pullrun: unknown option '-o'\nhint: a volume is a directory .*-v PATH:TARGET\n$/,
      ) as string,
    });
  });

  test("inspect prints those there are, and fails for those there are not", async () => {
    const root = temporaryDirectory(as);
    await volume(root, "create", "data");
    const { status, stdout, stderr } = await volume(root, "inspect", "none", "data");
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringContaining("volume: none: does not exist") as string,
    });
    expect(JSON.parse(stdout)).toMatchObject([
      { Name: "data", Driver: "local", Scope: "local", Mountpoint: path.join(root, "volumes/data/data") },
    ]);
    expect((await volume(root, "inspect", "--format", "{{.Name}}", "data")).stdout).toBe("data\n");
  });

  test("rm removes what is there and reports the rest", async () => {
    const root = temporaryDirectory(as);
    await volume(root, "create", "data");
    const { status, stdout } = await volume(root, "rm", "none", "data");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "data\n" });
    expect((await volume(root, "rm", "-f", "none")).status).toBe(0);
    expect(readdirSync(path.join(root, "volumes"))).toEqual([]);
  });

  test.each(["../containers", "a/b", ".tmp-0123", "x", ""])("%j is no name for a volume", async (name) => {
    const root = temporaryDirectory(as);
    expect((await volume(root, "create", name)).status).toBe(2);
    expect((await volume(root, "rm", "-f", name)).status).toBe(2);
  });
});

describe.skipIf(needs !== "").each(testUsers)(`${needs}volumes of containers as $who`, ({ as }) => {
  function store() {
    const root = temporaryDirectory(as);
    return {
      root,
      volumes: () => (existsSync(path.join(root, "volumes")) ? readdirSync(path.join(root, "volumes")) : []),
      command: (...args: readonly string[]) => pullrun(args, { root, ...as }),
      sh: (script: string, ...flags: readonly string[]) =>
        pullrun(["run", "--rm", "-q", "--rm", ...flags, busybox, "sh", "-c", script], { root, ...as }),
    };
  }

  test("what one container writes to a volume the next one reads", async () => {
    const { sh } = store();
    await sh("echo kept > /v/file", "-v", "data:/v");
    expect((await sh("cat /elsewhere/file; touch /elsewhere/x", "-v", "data:/elsewhere:ro")).stdout).toBe(
      "kept\n",
    );
  });

  test("a new volume has what the image has there, with owners and modes; a used one does not", async () => {
    const { sh } = store();
    const list = "cd /v && find . | sort | xargs stat -c '%n %a %u:%g'";
    const image = await sh(
      "cd /etc && find . | grep -vE 'hosts|hostname|resolv' | sort | xargs stat -c '%n %a %u:%g'",
    );
    expect(image.stdout).toContain("./passwd");
    // Taken from /etc by mounting there first.
    await sh("true", "-v", "data:/etc");
    const copied = await sh(`${list} | grep -vE 'hosts|hostname|resolv'`, "-v", "data:/v");
    expect(copied.stdout).toBe(image.stdout);
    await sh("rm -r /v/passwd", "-v", "data:/v");
    expect((await sh("ls /etc", "-v", "data:/etc")).stdout).not.toContain("passwd");
  });

  test("nocopy leaves a new volume empty", async () => {
    const { sh } = store();
    expect((await sh("ls -A /bin-volume; ls -A /var", "-v", "data:/var:nocopy")).stdout).toBe("");
  });

  test("an anonymous volume goes with its container, a named one stays", async () => {
    const { sh, volumes } = store();
    const mount = await sh("grep -c ' /[ab] ' /proc/mounts; echo x > /a/x", "-v", "/a", "-v", "named:/b");
    expect(mount.stdout).toBe("2\n");
    expect(volumes()).toEqual(["named"]);
  });

  test("a volume's subpath is mounted alone, and leads nowhere else", async () => {
    const { sh } = store();
    await sh(
      "mkdir -p /v/sub/dir; echo x > /v/sub/dir/file; ln -s /etc /v/out; ln -s ../../.. /v/up",
      "-v",
      "data:/v",
    );
    const mount = (subpath: string): string => `type=volume,src=data,dst=/s,volume-subpath=${subpath}`;
    expect((await sh("cat /s/file", "--mount", mount("sub/dir"))).stdout).toBe("x\n");
    expect((await sh("ls /s", "--mount", mount("none"))).status).toBe(125);
    expect((await sh("ls /s", "--mount", mount("out"))).status).toBe(125);
    expect((await sh("ls /s", "--mount", mount("up"))).stdout).toBe("out\nsub\nup\n");
  });

  test("an image's VOLUME is an anonymous volume with the image's files", async () => {
    const { command, volumes } = store();
    const image = await imageWithVolume("/data");
    const { stdout } = await command("run", "-q", "--rm", image, "cat", "/data/file", "/proc/mounts");
    expect(stdout).toMatch(/^in the image\n[^]* \/data /);
    expect(volumes()).toEqual([]);
  });

  test("an image with a VOLUME over /proc does not start (CVE-2019-16884)", async () => {
    const { command, volumes } = store();
    const { status, stderr } = await command(
      "run",
      "-q",
      await imageWithVolume("/proc"),
      "cat",
      "/proc/self/attr/exec",
    );
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: expect.stringContaining("VOLUME /proc: not possible") as string,
    });
    expect(volumes()).toEqual([]);
  });

  test("--dry-run leaves no volume of the container's own", async () => {
    const { sh, volumes } = store();
    expect((await sh("true", "--dry-run", "-v", "/a")).stdout).toContain("copy-up target=/a");
    expect(volumes()).toEqual([]);
  });

  test("prune leaves volumes alone", async () => {
    const { command, volumes } = store();
    await command("volume", "create", "data");
    await command("prune");
    await command("verify");
    expect(volumes()).toEqual(["data"]);
  });
});

test("volume prune takes what a crash left, once it is old enough to be nobody's", async () => {
  const root = temporaryDirectory();
  await pullrun(["volume", "create", "data"], { root });
  mkdirSync(path.join(root, "volumes/.tmp-young"));
  expect((await pullrun(["volume", "prune"], { root })).status).toBe(0);
  expect(readdirSync(path.join(root, "volumes"))).toEqual([".tmp-young", "data"]);
});
