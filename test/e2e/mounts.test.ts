import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { chownSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import {
  pullrun,
  temporaryDirectory,
  withoutWarnings,
  type CliOptions,
  type CliResult,
} from "../support/cli.js";
import { busybox, needsBusybox } from "../support/busybox.js";
import { needsNamespaces, needsRealRoot } from "../support/namespaces.js";
import { testUsers } from "../support/users.js";

const needs = `${needsBusybox}${needsNamespaces}`;

describe.skipIf(needs !== "").each(testUsers)(`${needs}as $who`, ({ as }) => {
  /** Runs a shell script in a busybox container. */
  async function sh(script: string, flags: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    const args = ["run", "--rm", "-q", ...flags, busybox, "sh", "-c", script];
    return pullrun(args, { root: temporaryDirectory(as), ...as, ...options });
  }

  /** A directory on the host with one file. */
  function hostDirectory(): string {
    const directory = temporaryDirectory(as);
    writeFileSync(path.join(directory, "file"), "from the host\n");
    return directory;
  }

  test("a directory of the host is seen and written through -v", async () => {
    const directory = hostDirectory();
    const { stdout, stderr } = await sh("cat /d/file; echo back > /d/new; stat -c %u /d/new", [
      "-v",
      `${directory}:/d`,
    ]);
    expect({ stdout, stderr: withoutWarnings(stderr) }).toEqual({ stdout: "from the host\n0\n", stderr: "" });
    expect(readFileSync(path.join(directory, "new"), "utf8")).toBe("back\n");
  });

  test("a file can be mounted over a file, and where there is nothing", async () => {
    const file = path.join(hostDirectory(), "file");
    const flags = ["-v", `${file}:/etc/passwd`, "-v", `${file}:/a/b/c:ro`];
    expect((await sh("cat /etc/passwd /a/b/c; echo x > /a/b/c", flags)).stdout).toBe(
      "from the host\nfrom the host\n",
    );
  });

  test("a relative path of -v is one of the current directory", async () => {
    const cwd = hostDirectory();
    expect((await sh("cat /d/file", ["-v", "./:/d"], { cwd })).stdout).toBe("from the host\n");
  });

  test("-v makes the directory of the host where there is none, --mount refuses", async () => {
    const directory = path.join(hostDirectory(), "made/here");
    expect((await sh("ls -A /d", ["-v", `${directory}:/d`])).status).toBe(0);
    expect(existsSync(directory)).toBe(true);
    const { status, stderr } = await sh("true", ["--mount", `type=bind,src=${directory}/no,dst=/d`]);
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: expect.stringMatching(/does not exist.*\nhint: /) as string,
    });
  });

  test("mounts nest by depth whatever order they are given in", async () => {
    const flags = ["-v", `${hostDirectory()}:/t/inner`, "--tmpfs", "/t"];
    expect((await sh("cat /t/inner/file; echo x > /t/y", flags)).stdout).toBe("from the host\n");
  });

  test("a target that is a link of the image leads inside the image", async () => {
    const data = hostDirectory();
    const script = "ls -l /d; cat /tmp/place/file";
    const inner = temporaryDirectory(as);
    symlinkSync("/tmp/place", path.join(inner, "link"));
    const flags = ["-v", `${inner}:/d`, "-v", `${data}:/d/link/`];
    const { stdout } = await sh(script, flags);
    expect(stdout).toContain("from the host\n");
    expect(existsSync("/tmp/place")).toBe(false);
  });

  test("--read-only leaves volumes, tmpfs and /dev/shm writable, and nothing else", async () => {
    const flags = ["--read-only", "-v", "data:/v", "--tmpfs", "/t", "-v", `${hostDirectory()}:/ro:ro`];
    const script = "for d in / /etc /ro /sys /v /t /dev/shm; do touch $d/x 2>/dev/null && echo $d; done";
    expect((await sh(script, flags)).stdout).toBe("/v\n/t\n/dev/shm\n");
  });

  test("--tmpfs has docker's options, and those given", async () => {
    const { stdout } = await sh("grep ' /t ' /proc/mounts; stat -c %a /t /tmp /n", [
      "--tmpfs",
      "/t:size=1m,mode=700,exec",
      "--tmpfs",
      "/tmp",
      "--tmpfs",
      "/n",
    ]);
    expect(stdout).toMatch(/^tmpfs \/t tmpfs rw,nosuid,nodev,relatime,size=1024k,mode=700/);
    // Of the directory beneath, else the kernel's own.
    expect(stdout.split("\n").slice(1, 4)).toEqual(["700", "1777", "1777"]);
  });

  test("--shm-size is the size of /dev/shm", async () => {
    expect((await sh("df -k /dev/shm | tail -1 | awk '{print $2}'", ["--shm-size", "2m"])).stdout).toBe(
      "2048\n",
    );
  });

  test("whatever is mounted, no device opens through it", async () => {
    const script = "grep -E ' /(v|d|t) ' /proc/mounts | grep -vc nodev";
    const flags = ["-v", "data:/v", "-v", `${hostDirectory()}:/d`, "--tmpfs", "/t"];
    expect((await sh(script, flags)).stdout).toBe("0\n");
  });

  test("/dev/null hides a file and can be written to", async () => {
    const { stdout, status } = await sh("cat /etc/passwd; echo x > /etc/passwd", [
      "-v",
      "/dev/null:/etc/passwd",
    ]);
    expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
  });

  test("--device gives a device by another name, and no chmod in the container reaches it", async () => {
    const script = "head -c 3 /dev/mine | wc -c; chmod 0 /dev/mine 2>/dev/null || echo kept; ls -l /dev/mine";
    const { stdout } = await sh(script, ["--device", "/dev/zero:/dev/mine:rw"]);
    expect(stdout).toMatch(/^3\nkept\ncrw-rw-rw- .* 1, +5 /);
    expect((await sh("true", ["--device", "/etc/passwd"])).stderr).toContain("/etc/passwd: is no device");
    expect((await sh("true", ["--device", "/dev/not-there"])).stderr).toContain("does not exist");
  });

  test("a node that a container makes, or a volume holds, opens nothing", async () => {
    const root = temporaryDirectory(as);
    const script =
      "for d in / /v /dev /t; do mknod $d/mine c 1 5 2>/dev/null; head -c 3 $d/mine 2>/dev/null; done; echo end";
    const { stdout } = await sh(script, ["-v", "data:/v", "--tmpfs", "/t"], { root });
    expect(stdout).toBe("end\n");
  });

  test.each([
    ["/:/host:ro", 0],
    ["/tmp:/", 125],
    ["/tmp:/proc", 125],
    ["/tmp:/proc/sys", 125],
    ["name/with/slash:/x", 125],
  ])("-v %s ends with %i", async (mount, status) => {
    expect((await sh("true", ["-v", mount])).status).toBe(status);
  });

  test("a directory over a file and a file over a directory are refused with a clear error", async () => {
    const directory = hostDirectory();
    const over = await sh("true", ["-v", `${directory}:/etc/passwd`]);
    expect(over).toMatchObject({
      status: 125,
      stderr: expect.stringContaining("/etc/passwd: Not a directory") as string,
    });
    expect((await sh("true", ["-v", `${directory}/file:/etc`])).stderr).toContain("/etc: Is a directory");
  });

  test.each(["--volume=/tmp:/x", "--tmpfs=/x", "--shm-size=1m", "--read-only"])(
    "%s is refused where there are no namespaces to mount in",
    async (flag) => {
      expect((await sh("true", ["--isolation", "chroot", flag])).status).toBe(125);
    },
  );

  test("a second mount of one target is refused before anything is made", async () => {
    const root = temporaryDirectory(as);
    const { status } = await sh("true", ["-v", "one:/x", "--tmpfs", "/x"], { root });
    expect(status).toBe(125);
    expect(existsSync(path.join(root, "volumes"))).toBe(false);
  });
});

describe.skipIf(needsRealRoot !== "" || needs !== "")(`${needs}${needsRealRoot}mounts on the host`, () => {
  async function within(mounts: string, flags: readonly string[], script: string): Promise<string> {
    const directory = temporaryDirectory();
    for (const name of ["a", "b"]) mkdirSync(path.join(directory, name));
    const setUp = `mount -t tmpfs t ${directory}/a && mount --make-rshared ${directory}/a && ${mounts}`;
    const run = `"$@"; ls ${directory}/a/later 2>/dev/null`;
    const place = (text: string): string => text.replaceAll("HOST", directory);
    const command = ["run", "--rm", "-q", ...flags.map(place), busybox, "sh", "-c", script];
    const { stdout, stderr } = await pullrun(command, {
      root: temporaryDirectory(),
      within: ["unshare", "--mount", "sh", "-c", `${place(setUp)} && ${run}`, "sh"],
    });
    return stdout + stderr;
  }

  const sub = "mkdir HOST/a/sub && mount -t tmpfs s HOST/a/sub && touch HOST/a/sub/deep";
  const look = "touch /d/x 2>/dev/null && echo top; touch /d/sub/x 2>/dev/null && echo sub; ls /d/sub";

  test("read-only is read-only all the way down", async () => {
    expect(await within(sub, ["-v", "HOST/a:/d:ro"], look)).toBe("deep\n");
  });

  test("bind-recursive=writable keeps what is mounted below as it is", async () => {
    const mount = "type=bind,src=HOST/a,dst=/d,ro,bind-recursive=writable";
    expect(await within(sub, ["--mount", mount], look)).toBe("sub\ndeep\nx\n");
  });

  test("bind-recursive=disabled leaves it behind", async () => {
    const mount = "type=bind,src=HOST/a,dst=/d,bind-recursive=disabled";
    expect(await within(sub, ["--mount", mount], look)).toBe("top\nsub\nx\n");
  });

  test("a device in a directory of the host does not open", async () => {
    const node = "mknod HOST/a/null c 1 3";
    expect(await within(node, ["-v", "HOST/a:/d"], "echo x > /d/null || echo refused")).toContain("refused");
  });

  test("rshared takes a mount the container makes back to the host", async () => {
    // Only a container that may mount can show it: here the helper itself does, for a nested target.
    const made = "mkdir -p HOST/a/later HOST/b/seen";
    const flags = ["-v", "HOST/a:/d:rshared", "-v", "HOST/b:/d/later"];
    expect(await within(made, flags, "true")).toContain("seen");
  });

  test("rprivate does not", async () => {
    const made = "mkdir -p HOST/a/later HOST/b/seen";
    expect(await within(made, ["-v", "HOST/a:/d", "-v", "HOST/b:/d/later"], "true")).not.toContain("seen");
  });
});

test.skipIf(needs !== "" || needsRealRoot !== "")(
  `${needs}${needsRealRoot}an ordinary user is told which directory it may not see`,
  async () => {
    const closed = temporaryDirectory();
    mkdirSync(path.join(closed, "x"));
    const uid = 12345;
    const root = temporaryDirectory({ uid });
    const args = ["run", "--rm", "-q", "-v", `${closed}/x:/x`, busybox, "true"];
    const { status, stderr } = await pullrun(args, { root, uid });
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: expect.stringMatching(/cannot be reached: permission denied/) as string,
    });
    chownSync(closed, 0, 0);
    expect(readdirSync(closed)).toEqual(["x"]);
  },
);
