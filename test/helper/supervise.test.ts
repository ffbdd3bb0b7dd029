import { spawn, type ChildProcess } from "node:child_process";
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { encodePlan } from "../../src/helper/plan-encoding.js";
import { openHelper } from "../../src/helper/process.js";
import type { Plan } from "../../src/helper/plan.js";
import { missing } from "../support/tools.js";
import {
  fork,
  helperBuilds,
  helperPath,
  isolated,
  isRoot,
  namespacesAvailable,
  shell,
  temporaryDirectory,
} from "./support.js";
import { until } from "./supervised.js";

const available = await namespacesAvailable();

describe.each(helperBuilds())("%s", (_, path) => {
  const helper = openHelper(path);

  /** Starts a plan whose shell says "ready" when it is; the helper itself is the process returned. */
  async function start(plan: Plan): Promise<ChildProcess> {
    const file = join(temporaryDirectory(), "plan");
    writeFileSync(file, encodePlan(plan));
    const child = spawn(path, ["run", file], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    await new Promise((resolve) => child.stdout.once("data", resolve));
    return child;
  }

  function ended(child: ChildProcess): Promise<number | null> {
    return new Promise((resolve) => child.once("exit", resolve));
  }

  describe("signals", () => {
    test.skipIf(missing("strace") !== "")(
      `${missing("strace")}that come with the program's end go to nobody: its number may be another's by then`,
      async () => {
        const directory = temporaryDirectory();
        const [file, trace] = [join(directory, "plan"), join(directory, "trace")];
        writeFileSync(file, encodePlan([fork, ...shell("echo $PPID $$; exec sleep 1000")]));
        const strace = ["-qqq", "-o", trace, "-e", "trace=kill,wait4", path, "run", file];
        const child = spawn("strace", strace, { stdio: ["ignore", "pipe", "inherit"] });
        onTestFinished(() => void child.kill("SIGKILL"));
        const end = ended(child);
        const said = await new Promise<Buffer>((resolve) => child.stdout.once("data", resolve));
        const [supervisor = 0, program = 0] = said.toString().split(" ").map(Number);
        const state = (pid: number): string => readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[2] ?? "";
        process.kill(supervisor, "SIGSTOP");
        await until(() => /[tT]/.test(state(supervisor)));
        process.kill(program, "SIGKILL");
        await until(() => state(program) === "Z");
        // It finds two signals: SIGCHLD, and this one.
        process.kill(supervisor, "SIGCONT");
        expect(await end).toBe(137);
        const calls = readFileSync(trace, "utf8");
        expect(calls).toMatch(new RegExp(`wait4.* = ${program}$`, "m"));
        expect(calls).not.toContain("kill(");
      },
    );

    const waits = (signal: string): Plan => [
      fork,
      ...shell(`trap 'exit 9' ${signal}; echo ready; while :; do sleep 0.01; done`),
    ];

    test.each([
      "SIGTERM",
      "SIGINT",
      "SIGHUP",
      "SIGQUIT",
      "SIGUSR1",
      "SIGUSR2",
      "SIGWINCH",
      "SIGALRM",
    ] as const)("are passed on to the program: %s", async (signal) => {
      const child = await start(waits(signal.slice(3)));
      const end = ended(child);
      child.kill(signal);
      expect(await end).toBe(9);
    });

    test("end a program that does not handle them, and give 128 and their number", async () => {
      const child = await start([fork, ...shell("echo ready; exec sleep 1000")]);
      const end = ended(child);
      child.kill("SIGTERM");
      expect(await end).toBe(143);
    });

    test("that break pipes are not passed on", async () => {
      const child = await start([
        fork,
        ...shell("trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done"),
      ]);
      const end = ended(child);
      child.kill("SIGPIPE");
      child.kill("SIGTERM");
      expect(await end).toBe(9);
    });

    test("to stop stop the helper, and the container goes on (Ctrl-Z must not wedge)", async () => {
      const marker = join(temporaryDirectory(), "marker");
      const child = await start([
        fork,
        ...shell(`echo ready; while [ ! -e ${marker} ]; do sleep 0.01; done; exit 6`),
      ]);
      const end = ended(child);
      child.kill("SIGTSTP");
      await until(() => /^State:\tT/m.test(readFileSync(`/proc/${child.pid}/status`, "utf8")));
      writeFileSync(marker, "");
      child.kill("SIGCONT");
      expect(await end).toBe(6);
    });

    test("that kill the helper take the program with it", async () => {
      const pidFile = join(temporaryDirectory(), "pid");
      const child = await start([fork, ...shell(`echo $$ > ${pidFile}; echo ready; exec sleep 1000`)]);
      const pid = readFileSync(pidFile, "utf8").trim();
      child.kill("SIGKILL");
      await until(() => isGone(pid));
    });

    test("SIGCHLD ignored by the starter does not hide the program's end", async () => {
      const file = join(temporaryDirectory(), "plan");
      writeFileSync(file, encodePlan([fork, ...shell("exit 8")]));
      const child = spawn("sh", ["-c", 'trap "" CHLD; exec "$@"', "sh", path, "run", file], {
        stdio: "ignore",
      });
      expect(await ended(child)).toBe(8);
    });
  });

  test("the program has a session of its own", async () => {
    const file = join(temporaryDirectory(), "out");
    await helper.run([fork, ...shell(`cut -d' ' -f6 /proc/$$/stat > ${file}; echo $$ >> ${file}`)], {});
    const [session, pid] = readFileSync(file, "utf8").split("\n");
    expect(session).toBe(pid);
  });

  test("processes the program left behind end with it, without a pid namespace too", async () => {
    const pidFile = join(temporaryDirectory(), "pid");
    const orphan = `(trap '' HUP TERM; setsid sh -c 'echo $$ > ${pidFile}; exec sleep 1000' &) ; until [ -s ${pidFile} ]; do sleep 0.01; done; exit 2`;
    expect(await helper.run([fork, ...shell(orphan)], {})).toBe(2);
    expect(isGone(readFileSync(pidFile, "utf8").trim())).toBe(true);
  });

  describe("cleanup", () => {
    function tree(): string {
      const directory = join(temporaryDirectory(), "tree");
      mkdirSync(join(directory, "a/b"), { recursive: true });
      writeFileSync(join(directory, "a/b/file"), "");
      return directory;
    }

    test("comes after the program, and leaves its exit status alone", async () => {
      const path = tree();
      const plan: Plan = [fork, ...shell(`test -d ${path}/a && exit 4`), { kind: "cleanup" }];
      expect(await helper.run([...plan, { kind: "remove-tree", path }], {})).toBe(4);
      expect(existsSync(path)).toBe(false);
    });

    test.each([
      ["in the child", [fork, { kind: "root-dir", path: "/no/such" }], "root-dir"],
      ["before it", [{ kind: "make-dir", path: "/no/such/dir", mode: 0o700 }, fork], "make-dir"],
      [
        "in entering a cgroup",
        [
          { ...fork, cgroupProcs: ["/no/such/cgroup.procs"] },
          { kind: "exit", code: 0 },
        ],
        "clone",
      ],
    ] as [string, Plan, string][])("comes after a failure %s as well", async (_name, plan, kind) => {
      const path = tree();
      const run = helper.run([...plan, { kind: "cleanup" }, { kind: "remove-tree", path }], {});
      await expect(run).rejects.toMatchObject({ info: { details: { kind } } });
      expect(existsSync(path)).toBe(false);
    });

    test("goes on after a step of its own that failed, which is told", async () => {
      const path = tree();
      const run = helper.run(
        [
          fork,
          { kind: "exit", code: 0 },
          { kind: "cleanup" },
          { kind: "remove-tree", path: "/proc/1" },
          { kind: "remove-tree", path },
        ],
        {},
      );
      await expect(run).rejects.toMatchObject({
        info: { details: { kind: "remove-tree", step: 4, exitStatus: 0 } },
      });
      expect(existsSync(path)).toBe(false);
    });

    test.skipIf(!available)(
      "needs namespaces: removes what only the container's root could make",
      async () => {
        const path = join(temporaryDirectory(), "upper");
        mkdirSync(path);
        const make = `mkdir -p ${path}/d/e && touch ${path}/d/e/f && chmod 0 ${path}/d/e ${path}/d`;
        await helper.run(
          [isolated(), ...shell(make), { kind: "cleanup" }, { kind: "remove-tree", path }],
          {},
        );
        expect(existsSync(path)).toBe(false);
      },
    );
  });

  describe("removing a tree", () => {
    const remove = (tree: string): Promise<number> => helper.run([{ kind: "remove-tree", path: tree }], {});

    test("does not follow links: THE HOST'S FILES WOULD BE GONE", async () => {
      const directory = temporaryDirectory();
      const outside = join(directory, "outside");
      mkdirSync(outside);
      writeFileSync(join(outside, "canary"), "alive");
      mkdirSync(join(directory, "tree"));
      symlinkSync(outside, join(directory, "tree/link"));
      symlinkSync(outside, join(directory, "alias"));
      await remove(join(directory, "tree"));
      await remove(join(directory, "alias"));
      expect(readdirSync(directory)).toEqual(["outside"]);
      expect(readdirSync(outside)).toEqual(["canary"]);
    });

    test.skipIf(!available)(
      "needs namespaces: does not enter mounts, not even of the same file system",
      async () => {
        const directory = temporaryDirectory();
        const tree = join(directory, "tree");
        mkdirSync(join(directory, "outside"));
        writeFileSync(join(directory, "outside/canary"), "alive");
        mkdirSync(join(tree, "mount"), { recursive: true });
        const plan: Plan = [
          isolated(),
          { kind: "private-mounts" },
          { kind: "root-dir", path: tree },
          { kind: "bind", source: join(directory, "outside"), target: "/mount", flags: 0 },
          { kind: "remove-tree", path: tree },
        ];
        await expect(helper.run(plan, {})).rejects.toMatchObject({
          info: { details: { kind: "remove-tree" } },
        });
        expect(readFileSync(join(directory, "outside/canary"), "utf8")).toBe("alive");
      },
    );

    test("manages closed directories, 1000 levels and many names", async () => {
      const tree = join(temporaryDirectory(), "tree");
      mkdirSync(tree);
      for (let index = 0; index < 1000; index++) writeFileSync(join(tree, `file-${index}`), "");
      mkdirSync(join(tree, "closed/inner"), { recursive: true });
      chmodSync(join(tree, "closed/inner"), 0);
      chmodSync(join(tree, "closed"), 0);
      mkdirSync(join(tree, "d/".repeat(1000)), { recursive: true });
      await remove(tree);
      expect(existsSync(tree)).toBe(false);
    });

    test("is done when there is nothing", async () => {
      expect(await remove(join(temporaryDirectory(), "absent/tree"))).toBe(0);
      expect(await remove(join(temporaryDirectory(), "tree"))).toBe(0);
    });

    test.each(["relative", "/", "/tmp/.", "/tmp/..", "/tmp/"])("refuses %s", async (tree) => {
      await expect(remove(tree)).rejects.toMatchObject({
        info: { details: { kind: "remove-tree", errno: "EINVAL" } },
      });
    });
  });
});

describe("cgroups", () => {
  const hierarchy = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"].find(isOurs);

  test.skipIf(!isRoot || hierarchy === undefined)(
    "needs root and writable cgroups: the program starts inside, and what it leaves is killed and removed",
    async () => {
      const cgroup = join(hierarchy as string, `pullrun-test-${process.pid}`);
      const out = join(temporaryDirectory(), "out");
      const plan: Plan = [
        { kind: "make-dir", path: cgroup, mode: 0o755 },
        { ...fork, cgroupProcs: [join(cgroup, "cgroup.procs")] },
        ...shell(`cat /proc/self/cgroup > ${out}; exit 3`),
        { kind: "cleanup" },
        { kind: "remove-cgroup", path: cgroup },
      ];
      expect(await openHelper(helperPath()).run(plan, {})).toBe(3);
      expect(readFileSync(out, "utf8")).toContain(`/pullrun-test-${process.pid}\n`);
      expect(existsSync(cgroup)).toBe(false);
    },
  );

  test.skipIf(!isRoot || hierarchy === undefined)(
    "needs root and writable cgroups: processes still in a cgroup do not keep it",
    async () => {
      const cgroup = join(hierarchy as string, `pullrun-left-${process.pid}`);
      mkdirSync(join(cgroup, "below"), { recursive: true });
      onTestFinished(() => {
        if (existsSync(cgroup)) rmdirSync(cgroup);
      });
      const left = spawn("sleep", ["1000"], { stdio: "ignore" });
      const end = new Promise((resolve) => left.once("exit", (_code, signal) => resolve(signal)));
      writeFileSync(join(cgroup, "below/cgroup.procs"), String(left.pid));
      await openHelper(helperPath()).run([{ kind: "remove-cgroup", path: cgroup }], {});
      expect(existsSync(cgroup)).toBe(false);
      expect(await end).toBe("SIGKILL");
    },
  );
});

/** A mounted hierarchy, and not read-only as in a container. */
function isOurs(hierarchy: string): boolean {
  try {
    accessSync(join(hierarchy, "cgroup.procs"), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function isGone(pid: string): boolean {
  try {
    return /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}
