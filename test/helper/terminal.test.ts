import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { encodeDetachKeys } from "../../src/helper/detach-keys.js";
import { inputPolicies, type Plan, type PlanStep } from "../../src/helper/plan.js";
import { encodePlan } from "../../src/helper/plan-encoding.js";
import { needsPty, onPty, type Pty } from "../support/pty.js";
import { inShellRoot, shellRoot } from "./shell-root.js";
import { supervisedPlan } from "./supervised.js";
import { helperBuilds, isRoot, namespacesAvailable, temporaryDirectory } from "./support.js";

const available = needsPty === "" && (await namespacesAvailable());
const keys = encodeDetachKeys("ctrl-p,ctrl-q");

describe.skipIf(!available).each(helperBuilds())("needs namespaces and cc: a terminal from %s", (_, path) => {
  interface Wanted {
    readonly detachKeys?: string;
    readonly uid?: number;
    readonly before?: Plan;
    readonly after?: Plan;
  }

  function planFor(directory: string, command: string, { uid = 0, before = [], after = [] }: Wanted): Plan {
    const steps: Plan = [
      ...shellRoot(directory),
      ...before,
      { kind: "terminal", uid, console: 1, host: 0 },
      ...inShellRoot(command, after),
    ];
    return supervisedPlan(directory, steps, { terminal: 1, input: inputPolicies.once });
  }

  async function start(command: string, wanted: Wanted = {}): Promise<{ pty: Pty; directory: string }> {
    const directory = temporaryDirectory();
    const file = join(directory, "plan");
    writeFileSync(file, encodePlan(planFor(directory, command, wanted)));
    const args = [path, "start", file, "attached", "012", "nosignals", wanted.detachKeys ?? keys];
    onTestFinished(() => end(directory));
    return { pty: await onPty(args), directory };
  }

  function pidOf(directory: string, key = "pid"): number {
    const status = readFileSync(join(directory, "status"), "utf8");
    return Number(new RegExp(`^${key} (\\d+)$`, "m").exec(status)?.[1]);
  }

  async function end(directory: string): Promise<void> {
    if (!existsSync(join(directory, "status"))) return;
    if (pidOf(directory) > 0) process.kill(pidOf(directory), "SIGKILL");
    while (!/^state exited$/m.test(readFileSync(join(directory, "status"), "utf8")))
      await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Before that, what is typed is shown by our own terminal as well. */
  async function raw(pty: Pty): Promise<void> {
    while ((await pty.mode()) !== "raw") await new Promise((resolve) => setTimeout(resolve, 5));
  }

  const reattach = (directory: string): Promise<Pty> =>
    onPty([path, "attach", directory, "012", "nosignals", keys]);

  test("is one on all three streams, the controlling one, and /dev/pts/0", async () => {
    const command =
      "test -t 0 && test -t 1 && test -t 2 && tty && echo here > /dev/tty && cat /proc/self/mounts";
    const { pty } = await start(command);
    const { status, shown } = await pty.ended();
    expect(status).toBe(0);
    expect(shown).toMatch(/^\/dev\/pts\/0\r\nhere\r\n/);
    expect(shown).toMatch(/^devpts \/dev\/console devpts /m);
  });

  test("is at /dev/console too", async () => {
    const { pty } = await start("echo there > /dev/console; stat -c '%F %t:%T' /dev/console /dev/pts/0");
    expect((await pty.ended()).shown).toBe(
      "there\r\ncharacter special file 88:0\r\ncharacter special file 88:0\r\n",
    );
  });

  test("has the size of ours from the start, and follows it", async () => {
    const { pty } = await start("trap 'stty size; exit 3' WINCH; stty size; while :; do sleep 0.01; done");
    await pty.until(/24 80\r\n/);
    pty.resize(31, 97);
    expect(await pty.ended()).toMatchObject({ status: 3, shown: "24 80\r\n31 97\r\n" });
  });

  test("gets Ctrl-C and Ctrl-Z, which are not for us", async () => {
    const { pty } = await start(
      "trap 'echo interrupted' INT; trap 'exit 4' TSTP; echo ready; while :; do sleep 0.01; done",
    );
    await pty.until(/ready/);
    expect(await pty.mode()).toBe("raw");
    pty.type("\u0003");
    await pty.until(/\^Cinterrupted\r\n/);
    pty.type("\u001a");
    expect(await pty.ended()).toMatchObject({ status: 4, mode: "cooked" });
  });

  test("shows what is typed, and Ctrl-D ends the input", async () => {
    const { pty } = await start("cat; exit 5");
    await raw(pty);
    pty.type("typed\n");
    await pty.until(/typed\r\ntyped\r\n/);
    pty.type("\u0004");
    expect(await pty.ended()).toEqual({ status: 5, mode: "cooked", shown: "typed\r\ntyped\r\n" });
  });

  test("shows all of much output", async () => {
    const { pty } = await start("seq 200000");
    const { shown } = await pty.ended();
    expect(shown.length).toBe(
      Array.from({ length: 200_000 }, (_unused, i) => `${i + 1}\r\n`).join("").length,
    );
    expect(shown.endsWith("\r\n199999\r\n200000\r\n")).toBe(true);
  });

  test("is written to the log as it is shown", async () => {
    const { pty, directory } = await start("echo words");
    await pty.ended();
    expect(readFileSync(join(directory, "log"), "utf8")).toMatch(/Z stdout F words\r\n$/);
  });

  test.skipIf(!isRoot)("needs root: belongs to the user of the container, who may open it", async () => {
    const identity: PlanStep = {
      kind: "credentials",
      uid: 1234,
      gid: 1234,
      groups: [],
      bounding: 0n,
      permitted: 0n,
      effective: 0n,
      inheritable: 0n,
      ambient: 0n,
    };
    const { pty } = await start('echo opened > "$(tty)"; stat -c "%u %g %a" "$(tty)"', {
      uid: 1234,
      after: [identity],
    });
    expect((await pty.ended()).shown).toBe("opened\r\n1234 5 620\r\n");
  });

  describe("our own terminal", () => {
    test("is as it was after the container was killed", async () => {
      const { pty, directory } = await start("echo ready; exec sleep 1000");
      await pty.until(/ready/);
      expect(await pty.mode()).toBe("raw");
      process.kill(pidOf(directory), "SIGKILL");
      expect(await pty.ended()).toMatchObject({ status: 137, mode: "cooked" });
    });

    test("is as it was after we were asked to end, and the container goes on", async () => {
      const { pty, directory } = await start("echo ready; exec sleep 1000");
      await pty.until(/ready/);
      await pty.mode();
      process.kill(pty.pid, "SIGTERM");
      expect(await pty.ended()).toMatchObject({ status: 143, mode: "cooked" });
      expect(pidOf(directory)).toBeGreaterThan(0);
    });

    test("is as it was while we are stopped, and raw again afterwards", async () => {
      const { pty } = await start("echo ready; cat");
      await pty.until(/ready/);
      expect(await pty.mode()).toBe("raw");
      process.kill(pty.pid, "SIGTSTP");
      await pty.stopped();
      expect(await pty.mode()).toBe("cooked");
      process.kill(pty.pid, "SIGCONT");
      await raw(pty);
      pty.type("\u0004");
      expect((await pty.ended()).status).toBe(0);
    });

    test("is as it was after the supervisor died", async () => {
      const { pty, directory } = await start("echo ready; exec sleep 1000");
      await pty.until(/ready/);
      await pty.mode();
      process.kill(pidOf(directory, "supervisor"), "SIGKILL");
      const { status, mode, shown } = await pty.ended();
      expect([status, mode]).toEqual([137, "cooked"]);
      expect(shown).toContain("the container's supervisor died");
      writeFileSync(join(directory, "status"), "state exited\n");
    });
  });

  describe("the keys that detach", () => {
    test("leave the container running, and it can be attached to again", async () => {
      const { pty, directory } = await start("echo ready; read line; echo got $line; exit 6");
      await pty.until(/ready/);
      pty.type("\u0010\u0011");
      expect(await pty.ended()).toMatchObject({ status: 0, mode: "cooked" });
      const again = await reattach(directory);
      await raw(again);
      again.type("more\n");
      expect(await again.ended()).toMatchObject({ status: 6, mode: "cooked", shown: "more\r\ngot more\r\n" });
    });

    test("go through if something else follows, or nothing for half a second", async () => {
      const { pty } = await start(
        "stty -icanon -echo; echo ready; dd bs=1 count=3 2>/dev/null | od -An -tx1",
      );
      await pty.until(/ready/);
      pty.type("\u0010x");
      pty.type("\u0010");
      expect((await pty.ended()).shown).toBe("ready\r\n 10 78 10\r\n");
    });

    test("may be others, or none", async () => {
      const other = await start("echo ready; exec sleep 1000", { detachKeys: encodeDetachKeys("q") });
      await other.pty.until(/ready/);
      other.pty.type("q");
      expect((await other.pty.ended()).status).toBe(0);
      const none = await start(
        "stty -icanon -echo -ixon; echo ready; dd bs=1 count=2 2>/dev/null | od -An -tx1",
        {
          detachKeys: "",
        },
      );
      await none.pty.until(/ready/);
      none.pty.type("\u0010\u0011");
      expect((await none.pty.ended()).shown).toBe("ready\r\n 10 11\r\n");
    });
  });

  test("is shown to all who are attached, at the size of the last", async () => {
    const { pty, directory } = await start("echo ready; read line; stty size; exit 0");
    await pty.until(/ready/);
    const second = await reattach(directory);
    await raw(second);
    second.resize(10, 20);
    second.type("x\n");
    const shown = /x\r\n(10 20|24 80)\r\n$/;
    expect((await second.ended()).shown).toMatch(shown);
    expect((await pty.ended()).shown).toMatch(shown);
  });

  test("is drawn again for somebody who attaches", async () => {
    const { pty, directory } = await start(
      "trap 'echo drawn; exit 0' WINCH; echo ready; while :; do sleep 0.01; done",
    );
    await pty.until(/ready/);
    const second = await reattach(directory);
    expect((await second.ended()).shown).toBe("drawn\r\n");
  });

  test("can be had without anybody at it, and attached to by who has none", async () => {
    const { pty, directory } = await start("echo ready; read line; test -t 1 && exit 7");
    await pty.until(/ready/);
    pty.type("\u0010\u0011");
    await pty.ended();
    const client = spawnSync(path, ["attach", directory, "012", "nosignals", ""], { input: "line\n" });
    expect(client.status).toBe(7);
    expect(client.stdout.toString()).toBe("line\r\n");
  });

  describe("attacks", () => {
    test("TIOCSTI reaches no terminal of ours (CVE-2017-5226)", async () => {
      const push = `perl -e 'ioctl(STDIN, 0x5412, my $c = "!") && print "pushed\\n"; open(T, "+<", "/dev/tty") or print "none\\n"'`;
      const { pty } = await start(`${push}; true`);
      const { shown, mode } = await pty.ended();
      expect(mode).toBe("cooked");
      expect(shown.replace("pushed\r\n", "").replace("!", "")).toBe("");
    });

    test("/dev/console as a link of the image's to a host file (CVE-2025-52565, CVE-2026-88264) is refused", async () => {
      const directory = temporaryDirectory();
      const victim = join(directory, "victim");
      writeFileSync(victim, "untouched");
      const { pty } = await start("echo written > /dev/console", {
        before: [{ kind: "symlink", text: victim, target: "/dev/console" }],
      });
      const { status, shown } = await pty.ended();
      expect(status).toBe(125);
      expect(shown).toContain("cannot bind the terminal: /dev/console");
      expect(readFileSync(victim, "utf8")).toBe("untouched");
    });

    test("/dev/pts as a link of the image's (CVE-2026-88265) gives no terminal of the host's", async () => {
      const directory = temporaryDirectory();
      mkdirSync(join(directory, "elsewhere"));
      symlinkSync("/dev/ptmx", join(directory, "elsewhere/ptmx"));
      const { pty } = await start("tty", {
        before: [{ kind: "bind", source: join(directory, "elsewhere"), target: "/dev/pts", flags: 0 }],
      });
      const { status, shown } = await pty.ended();
      expect(status).toBe(125);
      expect(shown).toMatch(/cannot make a terminal: \/dev\/pts\/ptmx/);
    });

    test("/dev/pts/ptmx as a link (CVE-2026-88265) gives no terminal of another devpts in the container", async () => {
      const planted = join(temporaryDirectory(), "planted");
      mkdirSync(planted);
      symlinkSync("/other/ptmx", join(planted, "ptmx"));
      const { pty } = await start("tty", {
        before: [
          { kind: "bind", source: "/dev/pts", target: "/other", flags: 0 },
          { kind: "bind", source: planted, target: "/dev/pts", flags: 0 },
        ],
      });
      const { status, shown } = await pty.ended();
      expect(status).toBe(125);
      expect(shown).toMatch(/cannot make a terminal: \/dev\/pts\/ptmx/);
    });

    test("a FIFO or a file in the place of /dev/pts/ptmx is refused without waiting", async () => {
      const directory = temporaryDirectory();
      mkdirSync(join(directory, "elsewhere"));
      spawnSync("mkfifo", [join(directory, "elsewhere/ptmx")]);
      const { pty } = await start("tty", {
        before: [{ kind: "bind", source: join(directory, "elsewhere"), target: "/dev/pts", flags: 0 }],
      });
      expect((await pty.ended()).status).toBe(125);
    });

    test.skipIf(!isRoot)(
      "needs root: a /dev/ptmx outside of any devpts in its place is refused",
      async () => {
        const directory = temporaryDirectory();
        mkdirSync(join(directory, "elsewhere"));
        spawnSync("mknod", ["-m", "666", join(directory, "elsewhere/ptmx"), "c", "5", "2"]);
        // What a /dev/ptmx opens is the devpts mounted beside it.
        mkdirSync(join(directory, "elsewhere/pts"));
        const { pty } = await start("tty", {
          before: [
            { kind: "bind", source: join(directory, "elsewhere"), target: "/dev/pts", flags: 0 },
            { kind: "bind", source: "/dev/pts", target: "/dev/pts/pts", flags: 0 },
          ],
        });
        const { status, shown } = await pty.ended();
        expect(status).toBe(125);
        expect(shown).toMatch(/cannot make a terminal: \/dev\/pts\/ptmx/);
      },
    );
  });

  test("is refused where nobody could show it", () => {
    const directory = temporaryDirectory();
    const file = join(directory, "plan");
    const steps = planFor(directory, "true", {}).filter(({ kind }) => kind !== "supervise");
    writeFileSync(file, encodePlan(steps));
    const { status, stderr } = spawnSync(path, ["run", file], { encoding: "utf8" });
    expect(status).toBe(125);
    expect(stderr).toContain("a terminal needs a supervisor");
  });
});
