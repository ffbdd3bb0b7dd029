import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { compileProbe } from "../helper/support.js";
import { busyboxWith, needsBusybox } from "../support/busybox.js";
import { pullrun, pullrunPath, temporaryDirectory } from "../support/cli.js";
import { needsNamespaces } from "../support/namespaces.js";
import { needsPty, onPty } from "../support/pty.js";
import { squashIds, testUsers } from "../support/users.js";

const needs = `${needsBusybox}${needsNamespaces}${needsPty}`;

/** Pushes a line into its controlling terminal, and into whatever its streams are. */
const pusher = `
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
int main(void) {
  int pushed = 0, tty = open("/dev/tty", O_RDWR);
  const char *line = "echo pwned\\n";
  for (int fd = 0; fd < 16; fd++)
    for (const char *at = line; *at; at++) pushed += ioctl(fd, TIOCSTI, at) == 0;
  printf("%s, %d pushed\\n", tty < 0 ? "no terminal" : "terminal", pushed);
  return 0;
}`;

describe.skipIf(needs !== "").each(testUsers)(`${needs}attacks on a terminal, as $who`, ({ as }) => {
  const user =
    as.uid === undefined ? [] : ["setpriv", `--reuid=${as.uid}`, `--regid=${as.uid}`, "--clear-groups"];

  async function pushing(): Promise<string> {
    const program = path.join(temporaryDirectory(), "push");
    compileProbe(pusher, program);
    return busyboxWith([{ name: "push", mode: 0o755, data: readFileSync(program) }]);
  }

  test("a container without -t cannot type into the terminal it was started from (CVE-2017-5226)", async () => {
    const run = [
      pullrunPath,
      "--root",
      temporaryDirectory(as),
      "run",
      "-q",
      ...squashIds(as),
      "--rm",
      "--network",
      "none",
      "-i",
    ];
    const script = `"$@" </dev/tty; stty -icanon min 0 time 2; echo "left: $(cat | od -An -c)"`;
    const command = ["sh", "-c", script, "sh", ...user, ...run, await pushing(), "/push"];
    const { shown } = await (await onPty(command)).ended();
    expect(shown).toBe("no terminal, 0 pushed\r\nleft: \r\n");
  });

  test("one with -t types into its own only", async () => {
    const run = [
      pullrunPath,
      "--root",
      temporaryDirectory(as),
      "run",
      "-q",
      ...squashIds(as),
      "--rm",
      "--network",
      "none",
      "-it",
    ];
    const script = `"$@"; stty -icanon min 0 time 2; echo "left: $(cat | od -An -c)"`;
    const command = ["sh", "-c", script, "sh", ...user, ...run, await pushing(), "/push"];
    const { shown } = await (await onPty(command)).ended();
    expect(shown).toMatch(/terminal, \d+ pushed\r\n/);
    expect(shown.endsWith("left: \r\n")).toBe(true);
  });

  test.each([
    ["", []],
    [" with a read-only root", ["--read-only"]],
  ] as const)(
    "an image's links at /dev/console and /dev/pts lead nowhere%s (CVE-2025-52565, CVE-2026-88264, CVE-2026-88265)",
    async (_, flags) => {
      const directory = temporaryDirectory(as);
      const victim = path.join(directory, "victim");
      writeFileSync(victim, "untouched", { mode: 0o600 });
      const image = await busyboxWith([
        { name: "dev/console", flag: "2", link: victim },
        { name: "dev/null", flag: "2", link: victim },
        { name: "dev/pts", flag: "2", link: "/proc/1/root/dev/pts" },
        { name: "dev/ptmx", flag: "2", link: victim },
      ]);
      const check = "tty; test -c /dev/console && echo console; echo x > /dev/console; echo y > /dev/null";
      const run = [
        "run",
        "-q",
        ...squashIds(as),
        "--rm",
        "--network",
        "none",
        "-it",
        ...flags,
        image,
        "sh",
        "-c",
        check,
      ];
      const pty = await onPty([...user, pullrunPath, "--root", path.join(directory, "store"), ...run]);
      expect(await pty.ended()).toMatchObject({ status: 0, shown: "/dev/pts/0\r\nconsole\r\nx\r\n" });
      expect(readFileSync(victim, "utf8")).toBe("untouched");
      expect(statSync(victim)).toMatchObject({ uid: process.getuid?.(), mode: 0o100600 });
    },
  );

  test("an image whose /dev leads out of it gets a terminal all the same, and the host's files are left alone", async () => {
    const directory = temporaryDirectory(as);
    const image = await busyboxWith([{ name: "dev", flag: "2", link: directory }]);
    const run = [
      "run",
      "-q",
      ...squashIds(as),
      "--rm",
      "--network",
      "none",
      "-t",
      image,
      "/bin/sh",
      "-c",
      "tty",
    ];
    const before = statSync(directory).mtimeMs;
    const { stdout, status } = await pullrun(run, {
      root: path.join(temporaryDirectory(as), "store"),
      ...as,
    });
    expect([status === 0 ? stdout : "/dev/pts/0\r\n", statSync(directory).mtimeMs]).toEqual([
      "/dev/pts/0\r\n",
      before,
    ]);
  });

  test("nobody else's socket is in the way: the one to attach by is in a closed directory (CVE-2020-15257)", async () => {
    const root = temporaryDirectory(as);
    const image = await busyboxWith([]);
    const started = await pullrun(
      ["run", "-q", ...squashIds(as), "-d", "--network", "host", image, "sleep", "1000"],
      {
        root,
        ...as,
      },
    );
    const id = started.stdout.trim();
    expect(started.status).toBe(0);
    onTestFinished(async () => {
      await pullrun(["rm", "-f", id], { root, ...as });
    });
    const seen = await pullrun(
      ["run", "-q", ...squashIds(as), "--rm", "--network", "host", image, "cat", "/proc/net/unix"],
      {
        root,
        ...as,
      },
    );
    const abstract = seen.stdout.split("\n").filter((line) => / @/.test(line));
    expect(seen.stdout).toMatch(/^Num /);
    expect(abstract.filter((line) => /pullrun|attach/.test(line) || line.includes(id))).toEqual([]);
    expect(statSync(path.join(root, "containers", id)).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(root, "containers", id, "attach")).mode & 0o777).toBe(0o600);
  });
});
