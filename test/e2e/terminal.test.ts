import { describe, expect, onTestFinished, test } from "vitest";
import { busybox, needsBusybox } from "../support/busybox.js";
import { pullrun, pullrunPath, temporaryDirectory } from "../support/cli.js";
import { needsNamespaces } from "../support/namespaces.js";
import { needsPty, onPty, type Pty } from "../support/pty.js";
import { isRoot } from "../support/tools.js";
import { squashIds, testUsers, type TestUser } from "../support/users.js";

const needs = `${needsBusybox}${needsNamespaces}${needsPty}`;

/** A command line of ours, at a terminal. */
function atTerminal(root: string, { uid }: TestUser["as"], args: readonly string[]): Promise<Pty> {
  const user = uid === undefined ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  return onPty([...user, pullrunPath, "--root", root, ...args]);
}

async function raw(pty: Pty): Promise<void> {
  while ((await pty.mode()) !== "raw") await new Promise((resolve) => setTimeout(resolve, 5));
}

describe.skipIf(needs !== "").each(testUsers)(`${needs}-t as $who`, ({ as }) => {
  const run = (root: string, ...args: string[]): Promise<Pty> =>
    atTerminal(root, as, ["run", "-q", "--network", "none", ...squashIds(as), ...args]);

  test("gives a terminal on all three streams, of our size, and lines end in CRLF", async () => {
    const command = "test -t 0 && test -t 1 && test -t 2 && tty && stty size && echo err >&2";
    const pty = await run(temporaryDirectory(as), "--rm", "-it", busybox, "sh", "-c", command);
    expect(await pty.ended()).toEqual({
      status: 0,
      mode: "cooked",
      shown: "/dev/pts/0\r\n24 80\r\nerr\r\n",
    });
  });

  test("is enough without -i; nothing is typed into it then", async () => {
    const pty = await run(
      temporaryDirectory(as),
      "--rm",
      "-t",
      busybox,
      "sh",
      "-c",
      "tty; sleep 0.1; exit 3",
    );
    pty.type("ignored\n");
    const { status, shown } = await pty.ended();
    expect(status).toBe(3);
    expect(shown).toMatch(/\/dev\/pts\/0\r+\n/);
  });

  test("follows the size of ours", async () => {
    const command = "trap 'stty size; exit 4' WINCH; echo ready; while :; do sleep 0.05; done";
    const pty = await run(temporaryDirectory(as), "--rm", "-it", busybox, "sh", "-c", command);
    await pty.until(/ready/);
    pty.resize(30, 100);
    expect(await pty.ended()).toMatchObject({ status: 4, shown: "ready\r\n30 100\r\n" });
  });

  test("gives a user of the container's a terminal to open, and /dev/console", async () => {
    const command = 'echo one > "$(tty)"; echo two > /dev/console; echo three > /dev/stderr';
    const pty = await run(temporaryDirectory(as), "--rm", "-it", "-u", "1000", busybox, "sh", "-c", command);
    expect((await pty.ended()).shown).toBe("one\r\ntwo\r\nthree\r\n");
  });

  test("gives a shell with job control", async () => {
    const pty = await run(temporaryDirectory(as), "--rm", "-it", "-e", "PS1=% ", busybox, "sh");
    await pty.until(/% /);
    await raw(pty);
    pty.type("sleep 1000\n");
    await pty.until(/sleep 1000\r\n/);
    // The shell hands the terminal over before the program is there; until then nobody would take the key.
    await new Promise((resolve) => setTimeout(resolve, 200));
    pty.type("\u001a");
    await pty.until(/Stopped/);
    pty.type("jobs; exit\nexit 5\n");
    const { status, shown, mode } = await pty.ended();
    expect([status, mode]).toEqual([5, "cooked"]);
    expect(shown).toMatch(/Stopped\s+sleep 1000/);
  });

  test("can be left by ctrl-p ctrl-q and come back to", async () => {
    const root = temporaryDirectory(as);
    const first = await run(
      root,
      "--name",
      "shell",
      "-it",
      busybox,
      "sh",
      "-c",
      "echo ready; read a; echo got $a",
    );
    onTestFinished(async () => {
      await pullrun(["rm", "-f", "shell"], { root, ...as });
    });
    await first.until(/ready/);
    await raw(first);
    first.type("\u0010\u0011");
    expect(await first.ended()).toMatchObject({ status: 0, mode: "cooked" });
    expect((await pullrun(["ps", "--format", "{{.Names}} {{.Status}}"], { root, ...as })).stdout).toMatch(
      /^shell Up/,
    );
    const second = await atTerminal(root, as, ["attach", "shell"]);
    await raw(second);
    second.type("it\n");
    expect(await second.ended()).toMatchObject({ status: 0, mode: "cooked", shown: "it\r\ngot it\r\n" });
    expect((await pullrun(["logs", "shell"], { root, ...as })).stdout).toBe("ready\r\nit\r\ngot it\r\n");
  });

  test("gives exec a terminal of its own, which can be left as well", async () => {
    const root = temporaryDirectory(as);
    const started = ["run", "-q", "-d", "--network", "none", ...squashIds(as), "--name", "host", busybox];
    await pullrun([...started, "sleep", "1000"], { root, ...as });
    onTestFinished(async () => {
      await pullrun(["rm", "-f", "host"], { root, ...as });
    });
    const pty = await atTerminal(root, as, [
      "exec",
      "-it",
      "host",
      "sh",
      "-c",
      "tty; stty size; read a; exit 6",
    ]);
    await pty.until(/24 80\r\n/);
    await raw(pty);
    pty.type("x\n");
    expect(await pty.ended()).toMatchObject({
      status: 6,
      mode: "cooked",
      shown: "/dev/pts/0\r\n24 80\r\nx\r\n",
    });
    const left = await atTerminal(root, as, [
      "exec",
      "-it",
      "host",
      "sh",
      "-c",
      "echo ready; exec sleep 1000",
    ]);
    await left.until(/ready/);
    await raw(left);
    left.type("\u0010\u0011");
    expect(await left.ended()).toMatchObject({ status: 0, mode: "cooked" });
    expect((await pullrun(["exec", "host", "ps"], { root, ...as })).stdout.match(/sleep 1000/g)).toHaveLength(
      2,
    );
  });

  test("needs a terminal to take input from", async () => {
    const { status, stderr } = await pullrun(
      ["run", "-q", "--rm", "-it", "--network", "none", busybox, "true"],
      {
        root: temporaryDirectory(as),
        ...as,
      },
    );
    expect(status).not.toBe(0);
    expect(stderr).toContain("the input device is not a TTY");
  });

  test.skipIf(!isRoot || as.uid !== undefined)("needs root: works in chroot isolation", async () => {
    const command = "test -t 0 && test -t 1 && stty size";
    const args = ["--rm", "-it", "--isolation", "chroot", busybox, "sh", "-c", command];
    const { status, shown } = await (await run(temporaryDirectory(as), ...args)).ended();
    expect(status).toBe(0);
    expect(shown).toContain("24 80\r\n");
  });
});
