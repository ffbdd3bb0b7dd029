import { execFileSync } from "node:child_process";
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { busybox, needsBusybox } from "../support/busybox.js";
import { pullrun, temporaryDirectory, type CliResult } from "../support/cli.js";
import { needsNamespaces } from "../support/namespaces.js";
import { runInBackground } from "../support/running.js";
import { isRoot, missing } from "../support/tools.js";
import { testUsers } from "../support/users.js";

const needs = `${needsBusybox}${needsNamespaces}${missing("tar")}`;

test.each([
  [["a", "b"], "neither"],
  [["c:/a", "d:/b"], "both"],
  [["./c:a", "b"], "neither: ./ makes a path"],
  [["/c:a", "b"], "neither: a slash makes a path"],
  [["-", "b"], "neither, with a tar"],
  [["c:", "b"], "no path"],
])("cp %j is refused: %s is a container's", async (args) => {
  expect((await pullrun(["cp", ...args], { root: temporaryDirectory() })).status).toBe(2);
});

describe.skipIf(needs !== "").each(testUsers)(`${needs}as $who`, ({ as }) => {
  /** A running container and a directory of this machine. */
  async function start() {
    const root = temporaryDirectory(as);
    const script = `mkdir -p /box/dir/sub /box/empty && cd /box && echo one > dir/one && echo two > dir/sub/two
      ln dir/one dir/again; ln -s one dir/link; ln -s dir todir; echo file > file; chmod 640 file; exec sleep 1000`;
    await runInBackground([busybox, "sh", "-c", script], { root, name: "box", ...as });
    const here = temporaryDirectory(as);
    const own = (...parts: string[]): string => {
      const made = path.join(here, ...parts);
      if (as.uid !== undefined) chownSync(made, as.uid, as.uid);
      return made;
    };
    return {
      here,
      file(name: string, text: string): void {
        writeFileSync(path.join(here, name), text);
        own(name);
      },
      directory(name: string): void {
        mkdirSync(path.join(here, name));
        own(name);
      },
      cp: (...args: readonly string[]): Promise<CliResult> =>
        pullrun(["cp", ...args], { root, cwd: here, ...as }),
      async inside(command: string): Promise<string> {
        return (await pullrun(["exec", "box", "sh", "-c", command], { root, ...as })).stdout;
      },
      read: (name: string): string => readFileSync(path.join(here, name), "utf8"),
      root,
    };
  }

  test("out of a container: docker's table of what ends up where", async () => {
    const { cp, read, here, directory, file } = await start();
    expect(await cp("box:/box/file", "new")).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(read("new")).toBe("file\n");
    await cp("box:/box/dir/one", "new");
    expect(read("new")).toBe("one\n");
    directory("d");
    await cp("box:/box/file", "d");
    await cp("box:/box/dir", "d");
    await cp("box:/box/dir/.", "d");
    await cp("box:/box/dir", "made");
    expect(readdirSync(path.join(here, "d")).toSorted()).toEqual([
      "again",
      "dir",
      "file",
      "link",
      "one",
      "sub",
    ]);
    expect(read("made/sub/two")).toBe("two\n");
    file("plain", "kept");
    for (const [from, to] of [
      ["box:/box/dir", "plain"],
      ["box:/box/file", "none/"],
      ["box:/box/file/", "x"],
      ["box:/box/none", "x"],
      ["box:/box/file", "none/deep/x"],
    ] as const) {
      expect({ from, to, refused: (await cp(from, to)).status !== 0 }).toEqual({ from, to, refused: true });
    }
    expect(read("plain")).toBe("kept");
  });

  test("into a container: the same table", async () => {
    const { cp, inside, directory, file } = await start();
    directory("d");
    file("d/f", "in d");
    file("f", "file");
    await cp("f", "box:/box/new");
    await cp("f", "box:/box/dir");
    await cp("d", "box:/box/dir");
    await cp("d/.", "box:/box/empty");
    await cp("d", "box:/box/made");
    const listed = "cd /box; cat new dir/f; ls dir/d empty made; cat made/f; stat -c %u:%g new made/f";
    expect(await inside(listed)).toBe("filefiledir/d:\nf\n\nempty:\nf\n\nmade:\nf\nin d0:0\n0:0\n");
    expect((await cp("d", "box:/box/file")).status).toBe(2);
    expect((await cp("f", "box:/box/none/")).status).toBe(2);
    expect((await cp("f", "box:/none/deep/x")).status).toBe(1);
  });

  test("links: as they are, what they lead to with -L, and a target that is one leads inside", async () => {
    const { cp, here, read, inside, file } = await start();
    await cp("box:/box/dir/link", "link");
    expect(readlinkSync(path.join(here, "link"))).toBe("one");
    await cp("-L", "box:/box/dir/link", "followed");
    expect(read("followed")).toBe("one\n");
    await cp("box:/box/todir/", "slashed");
    expect(read("slashed/one")).toBe("one\n");
    await cp("box:/box/dir", "copied");
    expect(readlinkSync(path.join(here, "copied/link"))).toBe("one");
    expect(lstatSync(path.join(here, "copied/one")).nlink).toBe(2);
    file("f", "through");
    await cp("f", "box:/box/todir");
    expect(await inside("cat /box/dir/f")).toBe("through");
  });

  test("a tar on stdout, and one on stdin", async () => {
    const { cp, here, root, inside, directory, file } = await start();
    const script = '"$@" cp box:/box/dir - | tar tf - | sort';
    const listed = await pullrun([], { ...as, root, within: ["sh", "-c", script, "sh"] });
    expect(listed.stdout).toBe("dir/\ndir/again\ndir/link\ndir/one\ndir/sub/\ndir/sub/two\n");
    directory("t");
    file("t/x", "from a tar");
    execFileSync("tar", ["czf", path.join(here, "t.tgz"), "-C", here, "t"]);
    const unpack = `exec "$@" < "${path.join(here, "t.tgz")}"`;
    const within = ["sh", "-c", unpack, "sh"];
    expect((await pullrun(["cp", "-", "box:/box/todir"], { ...as, root, within })).status).toBe(0);
    expect(await inside("cat /box/dir/t/x")).toBe("from a tar");
    expect((await cp("-", "box:/box/file")).status).toBe(2);
    expect((await cp("-", "box:/box/none")).status).toBe(1);
  });

  test("/etc/hosts, which is mounted, is overwritten in place", async () => {
    const { cp, inside, file } = await start();
    file("hosts", "127.0.0.1 changed\n");
    expect((await cp("hosts", "box:/etc/hosts")).stderr).toBe("");
    expect(await inside("cat /etc/hosts")).toBe("127.0.0.1 changed\n");
  });

  test("/proc and /sys are left out", async () => {
    const { cp, here } = await start();
    await cp("box:/proc", "proc");
    expect(readdirSync(path.join(here, "proc"))).toEqual([]);
    expect((await cp("box:/sys/kernel", "kernel")).status).toBe(0);
    expect(readdirSync(path.join(here, "kernel"))).toEqual([]);
  });

  test("mode and time come along; owners with -a only", async () => {
    const { cp, here, inside, file } = await start();
    await inside("chown 7:8 /box/file; touch -d '2001-02-03 04:05:06' /box/file");
    await cp("box:/box/file", "plain");
    const plain = lstatSync(path.join(here, "plain"));
    expect([plain.mode & 0o7777, plain.mtime.toISOString(), plain.uid]).toEqual([
      0o640,
      "2001-02-03T04:05:06.000Z",
      as.uid ?? process.getuid?.(),
    ]);
    file("f", "x");
    if (isRoot && as.uid === undefined) {
      await cp("-a", "box:/box/file", "kept");
      expect(lstatSync(path.join(here, "kept"))).toMatchObject({ uid: 7, gid: 8 });
      chownSync(path.join(here, "f"), 9, 10);
      await cp("-a", "f", "box:/box/kept");
      expect(await inside("stat -c %u:%g /box/kept")).toBe("9:10\n");
    }
  });

  test("volumes and tmpfs of a running container are seen and written", async () => {
    const root = temporaryDirectory(as);
    const flags = ["-v", "data:/v", "--tmpfs", "/t", "-v", `${temporaryDirectory(as)}:/ro:ro`];
    const script = "echo volume > /v/x; echo memory > /t/x; exec sleep 1000";
    await runInBackground([...flags, busybox, "sh", "-c", script], { root, name: "box", ...as });
    const cwd = temporaryDirectory(as);
    const cp = (...args: string[]): Promise<CliResult> => pullrun(["cp", ...args], { root, cwd, ...as });
    await cp("box:/v/x", "v");
    await cp("box:/t/x", "t");
    expect([readFileSync(path.join(cwd, "v"), "utf8"), readFileSync(path.join(cwd, "t"), "utf8")]).toEqual([
      "volume\n",
      "memory\n",
    ]);
    await cp("t", "box:/v/new");
    expect(existsSync(path.join(root, "volumes/data/data/new"))).toBe(true);
    expect((await cp("t", "box:/ro/new")).stderr).toContain("Read-only file system");
  });

  test("a container that is not running: its files, its volumes, and nothing of a read-only one", async () => {
    const root = temporaryDirectory(as);
    const cwd = temporaryDirectory(as);
    const command = (...args: string[]): Promise<CliResult> => pullrun(args, { root, cwd, ...as });
    const flags = ["-q", "--network", "none"];
    const script = "cat /in /v/in; echo out > /out; echo vol > /v/out";
    await command("create", ...flags, "--name", "box", "-v", "data:/v", busybox, "sh", "-c", script);
    writeFileSync(path.join(cwd, "in"), "given\n");
    expect(await command("cp", "in", "box:/in")).toEqual({ status: 0, stdout: "", stderr: "" });
    expect((await command("cp", "in", "box:/v/")).stderr).toBe("");
    expect((await command("start", "-a", "box")).stdout).toBe("given\ngiven\n");
    await command("cp", "box:/out", "out");
    await command("cp", "box:/v/out", "vol");
    expect(readFileSync(path.join(cwd, "out"), "utf8") + readFileSync(path.join(cwd, "vol"), "utf8")).toBe(
      "out\nvol\n",
    );
    await command("create", ...flags, "--name", "closed", "--read-only", busybox, "true");
    expect((await command("cp", "in", "closed:/in")).stderr).toContain("Read-only file system");
  });

  test("into a directory that is missing names the target as it was given, both ways", async () => {
    const { cp, here, file } = await start();
    file("f", "x");
    const line = (shown: string): string =>
      `pullrun: cp: ${shown}: the directory to put it in does not exist\nhint: make the directory first\n`;
    expect(await cp("box:/box/file", "not/there")).toEqual({
      status: 1,
      stdout: "",
      stderr: line("not/there"),
    });
    const inside = "box:/not/there";
    expect(await cp("f", inside)).toEqual({ status: 1, stdout: "", stderr: line(inside) });
    expect(readdirSync(here)).toEqual(["f"]);
  });

  test("a target of this machine that is a link to a directory is that directory", async () => {
    const { cp, here, directory } = await start();
    directory("d");
    symlinkSync("d", path.join(here, "l"));
    await cp("box:/box/file", "l");
    expect(readdirSync(path.join(here, "d"))).toEqual(["file"]);
  });
});
