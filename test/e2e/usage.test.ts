import { spawnSync } from "node:child_process";
import { mkdirSync, openSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { demoLayout, pullrun, pullrunPath, temporaryDirectory } from "../support/cli.js";
import { needsNamespaces } from "../support/namespaces.js";
import { isRoot, mustRun } from "../support/tools.js";
import { ordinaryUid, squashIds } from "../support/users.js";

const hello = `oci:${demoLayout}:pullrun/hello-world:latest`;
const needsRoot = isRoot ? "" : "needs root: ";

/** The first two lines of what a wrong command line gets. */
async function complaint(...args: string[]): Promise<{ status: number; lines: string[] }> {
  const { status, stdout, stderr } = await pullrun(args, { root: temporaryDirectory() });
  expect(stdout).toBe("");
  return { status, lines: stderr.trimEnd().split("\n") };
}

test.each([
  ["--gpus=all", "--gpus", "name the device nodes with --device"],
  ["--health-cmd", "--health-cmd", "pullrun runs no health checks"],
  ["--link=db", "--link", "reach each other by name"],
  ["--interctive", "--interctive", "did you mean --interactive?"],
  ["--root=/x", "--root", "--root goes before the command"],
  ["--zzzzz", "--zzzzz", "`pullrun run --help` lists what there is"],
])("run %s, which we do not have, is one error that names it, and a hint", async (flag, named, hint) => {
  const { status, lines } = await complaint("run", flag, hello);
  expect(status).toBe(125);
  expect(lines).toEqual([
    `pullrun: unknown option '${named}'`,
    expect.stringMatching(new RegExp(`^hint: .*${hint.replace("?", "\\?")}`)) as string,
  ]);
});

test.each([
  ["pull", "-a", "pullrun tags REPOSITORY"],
  ["pull", "--tls-verify=false", "--insecure"],
  ["rmi", "--all", "pullrun images -q"],
  ["prune", "-f", "nothing is asked"],
  ["prune", "--all", "pullrun rmi"],
  ["history", "-H", "--json"],
  ["login", "-p", "--password-stdin"],
  ["tags", "--authfile=x", "REGISTRY_AUTH_FILE"],
  ["inspect", "-s", "ps -s"],
])("%s %s of docker or podman is an error with what to do instead", async (command, flag, hint) => {
  const { status, lines } = await complaint(command, flag, hello);
  expect(status).toBe(2);
  expect(lines[0]).toBe(`pullrun: unknown option '${flag.replace(/=.*/, "")}'`);
  expect(lines[1]).toMatch(/^hint: /);
  expect(lines[1]).toContain(hint);
});

test.each([
  [["build", "."], 2, "build: pullrun has no such command", "pullrun load"],
  [["system", "df"], 2, "system: pullrun has no such command", "pullrun prune"],
  [["image", "build"], 2, "image: pullrun has no such command", "ls, inspect, pull"],
  [["container", "rm", "none"], 1, "container: none: no such container", "pullrun ps -a"],
  [["image", "inspect", "--raw", "none"], 1, "image: none: not in the store", "pullrun images"],
  [["image", "rm", "none"], 1, "image: none: not in the store", "pullrun images"],
  [["stop", "--timeout", "x", "none"], 2, "--timeout: x: not a whole number", undefined],
  [["restart", "--timeout", "1", "none"], 1, "container: none: no such container", "pullrun ps -a"],
  [["volume", "lss"], 2, "unknown command 'lss'", "did you mean ls?"],
  [["help", "imgaes"], 2, "help: imgaes: no such command", "did you mean images?"],
  [["pull", "--progress"], 2, "--progress: no value", "pullrun pull --help"],
  [["run", "--pull", "x", hello], 125, "--pull: x (expected missing, always, never)", "pullrun run --help"],
  [["login", "--password=hunter2", "-u", "me"], 2, "unknown option '--password'", "--password-stdin"],
  [["login", "--pasword=hunter2"], 2, "unknown option '--pasword'", "pullrun login --help"],
  [["login", "-phunter2"], 2, "unknown option '-p'", "--password-stdin"],
  [["run", "-h"], 125, "--hostname: no value", "pullrun run --help"],
  [["create", "--interctive", hello], 125, "unknown option '--interctive'", "did you mean --interactive?"],
  [["create", "--pull", "never", "none/such"], 125, "image: none/such: not in the store", "pull it first"],
  [["create", "--env-file", "/etc", hello], 125, "--env-file: /etc: is a directory", "name a file"],
  [
    ["run", "--cidfile", "/no/such", hello],
    125,
    "--cidfile: /no/such: no such file or directory",
    "name a new file",
  ],
  [["run"], 125, "missing required argument 'image'", "usage: pullrun run [options] <image> [args...]"],
  [["run", "--platform", "bogus", hello], 125, "platform: bogus", "--platform linux/arm64"],
  [["run", "-v", "~/x:/x", hello], 125, "-v: ~/x:/x: ~ is the shell's to expand", undefined],
] as const)("%j is a wrong command line: status %i", async (args, status, message, hint) => {
  const complained = await complaint(...args);
  expect(complained.status).toBe(status);
  expect(complained.lines[0]).toContain(`pullrun: ${message}`);
  if (hint !== undefined) expect(complained.lines[1]).toContain(hint);
});

test("an empty --root is refused, not taken for the current directory", async () => {
  const { status, stderr } = await pullrun(["--root", "", "images"]);
  expect({ status, stderr }).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("--root: empty") as string,
  });
});

test("help of a command of two words is that command's", async () => {
  const { status, stdout } = await pullrun(["help", "volume", "ls"]);
  expect({ status, stdout }).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^Usage: pullrun volume ls/) as string,
  });
});

test.skipIf(needsNamespaces !== "")(
  `${needsNamespaces}what follows an image is the container's, --help too`,
  async () => {
    const { status, stderr } = await pullrun(["--root", temporaryDirectory(), hello, "--help"]);
    expect({ status, stderr }).toMatchObject({
      status: 127,
      stderr: expect.stringContaining("PATH: --help:") as string,
    });
  },
);

test.skipIf(needsNamespaces !== "")(
  `${needsNamespaces}an env file's variables are the container's alone, not ours: neither NODE_OPTIONS nor PULLRUN_ROOT`,
  async () => {
    const root = temporaryDirectory();
    const file = path.join(root, "vars");
    writeFileSync(
      file,
      "NODE_OPTIONS=--require /nonexistent.js\nPULLRUN_SQUASH_IDS=1\nPULLRUN_ROOT=/nonexistent\n",
    );
    const probe = `oci:${demoLayout}:pullrun/probe:latest`;
    const { status, stdout, stderr } = await pullrun(
      ["run", "--rm", "-q", ...squashIds({}), "--env-file", file, probe, "env"],
      {
        env: { PULLRUN_ROOT: path.join(root, "store") },
      },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("NODE_OPTIONS=--require /nonexistent.js");
    const readable = "hint: name a file that is there and that this user may read\n";
    const absent = await pullrun(["run", "--env-file", "/nonexistent", probe], { root });
    expect(absent).toMatchObject({
      status: 125,
      stderr: `pullrun: --env-file: /nonexistent: no such file or directory\n${readable}`,
    });
  },
);

test("a flag's file with other bytes than UTF-8 is an error that names the line, not a value with some replaced", async () => {
  const root = temporaryDirectory();
  const file = path.join(root, "vars");
  writeFileSync(file, Buffer.concat([Buffer.from("A=ä\nB="), Buffer.of(0xe4), Buffer.from("\nC=c\n")]));
  for (const flag of ["--env-file", "--label-file"]) {
    const { status, stderr } = await pullrun(["run", flag, file, "x"], { root });
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: `pullrun: ${flag}: ${file}:2: is not UTF-8\nhint: iconv(1) turns other encodings into it\n`,
    });
  }
});

test("results that cannot be written are an error of one line", () => {
  const full = openSync("/dev/full", "w");
  const { status, stderr } = spawnSync(pullrunPath, ["version"], { stdio: ["ignore", full, "pipe"] });
  expect({ status, stderr: String(stderr) }).toEqual({
    status: 1,
    stderr: "pullrun: cannot write to standard output: no space left on device\n",
  });
});

test("a reader that has seen enough ends a command quietly", async () => {
  const script = `{ "$0" version; echo "status $?" >&2; } 2>"$1" | true; cat "$1"`;
  const file = path.join(temporaryDirectory(), "stderr");
  expect(await mustRun("sh", ["-c", script, pullrunPath, file])).toBe("status 0\n");
});

test("a pipe without room that does not wait gets all the same, and in order", async () => {
  // Node makes its stdout not wait, and when it is killed it stays so. A pipe holds 64 KiB.
  const unwaiting = `'process.stdout.write("begin "); process.kill(process.pid, "SIGKILL")'`;
  const script = `{ "$1" -e ${unwaiting}; "$0" completion fish; } 2>/dev/null | { sleep 1; cat; }`;
  const { stdout } = await pullrun(["completion", "fish"], { root: temporaryDirectory() });
  expect(stdout.length).toBeGreaterThan(65_536);
  const args = ["-c", script, pullrunPath, process.execPath];
  expect((await mustRun("sh", args)) === `begin ${stdout}`).toBe(true);
});

test("a pull goes on when nobody reads its progress any more", async () => {
  const root = temporaryDirectory();
  const script = `{ "$0" --root "$1" pull --progress plain "$2"; echo $? >"$1.status"; } 2>&1 >/dev/null | true; cat "$1.status"`;
  expect(await mustRun("sh", ["-c", script, pullrunPath, path.join(root, "store"), hello])).toBe("0\n");
});

test("from a directory that is deleted everything works but relative paths", () => {
  const root = temporaryDirectory();
  const gone = path.join(root, "gone");
  mkdirSync(gone);
  const inside = (args: string): { status: number | null; stderr: string } => {
    mkdirSync(gone, { recursive: true });
    const script = `cd "$1" && rmdir "$1" && exec "$0" --root "$2/store" ${args}`;
    const { status, stderr } = spawnSync("sh", ["-c", script, pullrunPath, gone, root], { encoding: "utf8" });
    return { status, stderr: stderr.replace(/^sh: .*getcwd.*\n/, "") };
  };
  expect(inside("images")).toEqual({ status: 0, stderr: "" });
  expect(inside(`spec ${hello}`).status).toBe(0);
  expect(inside("run -v ./x:/x hello-world")).toEqual({
    status: 125,
    stderr: "pullrun: current directory: deleted (expected one that is there)\nhint: cd to another\n",
  });
});

test.skipIf(!isRoot)(
  `${needsRoot}a store in a directory we may not enter is not said to be anybody's`,
  async () => {
    const closed = temporaryDirectory();
    await mustRun("chmod", ["700", closed]);
    const { status, stderr } = await pullrun(["ps"], { root: path.join(closed, "store"), uid: ordinaryUid });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^pullrun: store: .*: permission denied\nhint: /);
  },
);

test.skipIf(!isRoot)(`${needsRoot}somebody else's store is an error that says so, not a bug`, async () => {
  const root = temporaryDirectory();
  await mustRun("chmod", ["755", root]);
  const store = path.join(root, "store");
  await pullrun(["pull", "-q", hello], { root: store });
  await mustRun("chmod", ["755", store]);
  for (const args of [
    ["ps", "-a"],
    ["tag", hello, "x"],
  ]) {
    const { status, stderr } = await pullrun(args, { root: store, uid: ordinaryUid });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^pullrun: store: .*: only root may read its layers and containers\nhint: /);
  }
});

test.each([16, 20, 31])(
  "a limit of %i open files is one error line and a hint, not a crash of Node",
  (files) => {
    const { status, stdout, stderr } = spawnSync(
      "sh",
      ["-c", `ulimit -n ${files}; exec "$0" images`, pullrunPath],
      {
        encoding: "utf8",
      },
    );
    expect({ status, stdout }).toEqual({ status: 125, stdout: "" });
    expect(stderr).toMatch(/^pullrun: too few open files allowed \(expected .*\)\nhint: .*\n$/);
  },
);

test.each([
  ["container ls -a", "CONTAINER ID"],
  ["image ls", "REPOSITORY"],
  ["container run --help", "Usage: pullrun run "],
])("docker's %s is ours by its other name", async (words, shown) => {
  const { status, stdout } = await pullrun(words.split(" "), { root: temporaryDirectory() });
  expect(status).toBe(0);
  expect(stdout).toMatch(new RegExp(`^${shown}`));
});
