import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  inputPolicies,
  restartPolicies,
  type Plan,
  type PlanStep,
  type Step,
} from "../../src/helper/plan.js";
import { encodePlan } from "../../src/helper/plan-encoding.js";
import { startDetached } from "../../src/helper/process.js";
import { fork, helperPath, sanitizedHelperPath, shell, temporaryDirectory } from "./support.js";

type Supervise = Extract<Step, { readonly kind: "supervise" }>;

/** The values of `status`, "" for what is not there. */
function statusOf(directory: string): Record<string, string> {
  const file = join(directory, "status");
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const pairs = text.split("\n").map((line): [string, string] => {
    const space = line.indexOf(" ");
    return [line.slice(0, space), line.slice(space + 1)];
  });
  return Object.fromEntries(pairs);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const ended = (directory: string): Promise<void> => until(() => statusOf(directory)["state"] === "exited");

function logOf(directory: string, name = "log"): string[] {
  return readFileSync(join(directory, name), "utf8").split("\n").slice(0, -1);
}

/** What the program wrote to one stream, put together again. */
function logged(lines: readonly string[], stream: string): string {
  const entries = lines.map((line) => /^\S+ (\S+) ([FP]) (.*)$/s.exec(line) as RegExpExecArray);
  return entries
    .filter(([, name]) => name === stream)
    .map(([, , tag, text = ""]) => (tag === "F" ? `${text}\n` : text))
    .join("");
}

describe.each([
  ["the helper", helperPath()],
  ["the helper with sanitizers", sanitizedHelperPath()],
])("%s, in the background,", (_, path) => {
  function plan(directory: string, steps: Plan, wanted: Partial<Supervise> = {}): PlanStep[] {
    return [
      { kind: "lock", path: join(directory, "lock") },
      { kind: "record", directory },
      {
        kind: "supervise",
        directory,
        logBytes: 1 << 20,
        terminal: 0,
        input: inputPolicies.closed,
        restart: restartPolicies.no,
        retries: 0,
        ...wanted,
      },
      fork,
      ...steps,
    ];
  }

  async function detached(command: string, wanted: Partial<Supervise> = {}): Promise<string> {
    const directory = temporaryDirectory();
    await startDetached(path, plan(directory, shell(command), wanted));
    onTestFinished(async () => {
      writeFileSync(join(directory, "stop"), "");
      const pid = Number(statusOf(directory)["pid"]);
      if (pid > 0) process.kill(pid, "SIGKILL");
      await ended(directory);
    });
    return directory;
  }

  function attached(
    directory: string,
    steps: Plan,
    wanted: Partial<Supervise> = {},
    client: readonly string[] = ["stdin", "signals", ""],
  ): ChildProcess {
    const file = join(directory, "plan");
    writeFileSync(file, encodePlan(plan(directory, steps, wanted)));
    return spawn(path, ["start", file, "attached", ...client]);
  }

  describe("a program", () => {
    test("runs on after its starter has ended, in a session of its own, and its end is on record", async () => {
      const directory = await detached("exit 7");
      await ended(directory);
      expect(statusOf(directory)).toMatchObject({
        state: "exited",
        pid: "0",
        exit: "7",
        oom: "0",
        error: "",
      });
    });

    test("is on record with what tells it from a later process of that number", async () => {
      const directory = await detached("exec sleep 1000");
      const { state, pid = "", start, boot, started = "", supervisor = "" } = statusOf(directory);
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
      expect(state).toBe("running");
      expect(stat[21]).toBe(start);
      expect(stat[3]).toBe(supervisor);
      expect(boot).toBe(readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
      expect(BigInt(started)).toBeGreaterThan(BigInt(Date.now() - 60_000) * 1_000_000n);
      expect(statSync(join(directory, "status")).mode & 0o777).toBe(0o600);
    });

    test("leaves nothing open that its starter had", async () => {
      const directory = await detached("exec sleep 1000");
      const { supervisor = "" } = statusOf(directory);
      const open = spawnSync("readlink", ["-e", ...[0, 1, 2].map((fd) => `/proc/${supervisor}/fd/${fd}`)]);
      expect(open.stdout.toString()).toBe("/dev/null\n/dev/null\n/dev/null\n");
      expect(spawnSync("readlink", [`/proc/${supervisor}/cwd`]).stdout.toString()).toBe("/\n");
    });

    test("takes at most 2 MB for being looked after", async () => {
      const directory = await detached("exec sleep 1000");
      const { supervisor = "" } = statusOf(directory);
      const [, rss = ""] =
        /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${supervisor}/status`, "utf8")) ?? [];
      if (path === helperPath()) expect(Number(rss)).toBeLessThanOrEqual(2048);
    });

    test("that cannot be started is an error of the start, and on record", async () => {
      const directory = temporaryDirectory();
      const start = startDetached(path, plan(directory, [{ kind: "exec", argv: ["/no/such/program"] }]));
      await expect(start).rejects.toMatchObject({
        code: "EXEC_NOT_FOUND",
        info: { details: { kind: "exec", exitStatus: 127 } },
      });
      expect(statusOf(directory)).toMatchObject({
        state: "exited",
        exit: "127",
        error: "cannot start the program: /no/such/program: No such file or directory",
      });
    });

    test.each([
      ["before the clone", [{ kind: "make-dir", path: "/no/such/dir", mode: 0o700 }], []],
      ["after it", [], [{ kind: "root-dir", path: "/no/such/dir" }]],
    ] as [string, Plan, Plan][])("whose plan fails %s is one too", async (_name, host, child) => {
      const directory = temporaryDirectory();
      const steps = plan(directory, child);
      steps.splice(3, 0, ...host);
      await expect(startDetached(path, steps)).rejects.toMatchObject({
        code: "HELPER_FAILED",
        info: { details: { errno: "ENOENT" } },
      });
      expect(statusOf(directory)["error"]).toMatch(/^cannot .*: \/no\/such\/dir: No such file or directory$/);
    });

    test("cannot run twice in one directory", async () => {
      const directory = await detached("exec sleep 1000");
      await expect(startDetached(path, plan(directory, shell("true")))).rejects.toThrow("cannot lock");
      expect(statusOf(directory)["state"]).toBe("running");
    });

    test("dies with its supervisor", async () => {
      const directory = await detached("exec sleep 1000");
      const { supervisor, pid = "" } = statusOf(directory);
      process.kill(Number(supervisor), "SIGKILL");
      await until(() => !existsSync(`/proc/${pid}`));
      expect(statusOf(directory)["state"]).toBe("running");
      writeFileSync(join(directory, "status"), "state exited\n");
    });

    test("gets what its supervisor is asked to do", async () => {
      const directory = await detached("trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done");
      await until(() => logOf(directory).length > 0);
      process.kill(Number(statusOf(directory)["supervisor"]), "SIGTERM");
      await ended(directory);
      expect(statusOf(directory)["exit"]).toBe("9");
    });

    test("is cleaned up after before its end is on record", async () => {
      const directory = temporaryDirectory();
      const tree = join(directory, "tree");
      mkdirSync(tree);
      await startDetached(path, [
        ...plan(directory, shell("exit 4")),
        { kind: "cleanup" },
        { kind: "remove-tree", path: tree },
      ]);
      await ended(directory);
      expect(existsSync(tree)).toBe(false);
      expect(existsSync(join(directory, "attach"))).toBe(false);
    });
  });

  describe("the log", () => {
    test("has both streams, whole lines and parts of lines, with times", async () => {
      const directory = await detached("printf 'one\\ntwo\\npart'; printf 'wrong\\n' >&2; exit 0");
      await ended(directory);
      const lines = logOf(directory);
      for (const line of lines)
        expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z std(out|err) [FP] /);
      expect(lines.some((line) => line.endsWith("Z stdout P part"))).toBe(true);
      expect(logged(lines, "stdout")).toBe("one\ntwo\npart");
      expect(logged(lines, "stderr")).toBe("wrong\n");
      const minute = new Date().toISOString().slice(0, 11);
      expect(lines[0]?.slice(0, 11)).toBe(minute);
    });

    test("keeps every byte of much output, of long lines too", async () => {
      const directory = await detached("seq 100000; head -c 100000 /dev/zero | tr '\\0' x; echo", {
        logBytes: 1 << 30,
      });
      await ended(directory);
      const expected = `${Array.from({ length: 100_000 }, (_unused, i) => `${i + 1}\n`).join("")}${"x".repeat(100_000)}\n`;
      expect(logged(logOf(directory), "stdout") === expected).toBe(true);
    });

    test("is rotated once it has its size, and keeps one file before", async () => {
      const directory = await detached("seq 20000", { logBytes: 100_000 });
      await ended(directory);
      for (const name of ["log", "log.1"]) {
        const { size } = statSync(join(directory, name));
        expect(size).toBeGreaterThan(0);
        expect(size).toBeLessThanOrEqual(100_000);
      }
      const kept = logged([...logOf(directory, "log.1"), ...logOf(directory)], "stdout");
      expect(kept.endsWith("19999\n20000\n")).toBe(true);
      expect(kept.split("\n").length).toBeGreaterThan(2000);
    });

    test("is not kept when not wanted", async () => {
      const directory = await detached("echo words", { logBytes: 0 });
      await ended(directory);
      expect(existsSync(join(directory, "log"))).toBe(false);
    });
  });

  describe("standard input", () => {
    test("is empty unless it is wanted", async () => {
      const directory = await detached("cat; echo end");
      await ended(directory);
      expect(logged(logOf(directory), "stdout")).toBe("end\n");
    });

    test("that is kept open does not end", async () => {
      const directory = await detached("echo ready; cat; echo end", { input: inputPolicies.open });
      await until(() => logOf(directory).length > 0);
      expect(statusOf(directory)["state"]).toBe("running");
      expect(logOf(directory)).toHaveLength(1);
    });

    test("of the first client is the program's, and its end too", async () => {
      const directory = temporaryDirectory();
      const child = attached(directory, shell("cat; exit 5"), { input: inputPolicies.once });
      child.stdin?.end("from outside\n");
      expect(await finished(child)).toEqual({ status: 5, stdout: "from outside\n", stderr: "" });
    });
  });

  describe("restarts", () => {
    test("happen as often as the policy says, and are counted", async () => {
      const directory = await detached("echo again; exit 3", {
        restart: restartPolicies["on-failure"],
        retries: 2,
      });
      await ended(directory);
      expect(statusOf(directory)).toMatchObject({ exit: "3", restarts: "2" });
      expect(logged(logOf(directory), "stdout")).toBe("again\nagain\nagain\n");
    });

    test("do not happen after success unless always", async () => {
      const directory = await detached("exit 0", { restart: restartPolicies["on-failure"] });
      await ended(directory);
      expect(statusOf(directory)).toMatchObject({ exit: "0", restarts: "0" });
    });

    test("end with the file `stop`, at once also while waiting", async () => {
      const directory = await detached("exit 0", { restart: restartPolicies.always });
      await until(
        () => Number(statusOf(directory)["restarts"]) >= 3 && statusOf(directory)["state"] === "restarting",
      );
      writeFileSync(join(directory, "stop"), "");
      await ended(directory);
      expect(statusOf(directory)["exit"]).toBe("0");
    });

    test("do not follow an end that was asked for", async () => {
      const directory = await detached("exec sleep 1000", { restart: restartPolicies.always });
      writeFileSync(join(directory, "stop"), "");
      process.kill(Number(statusOf(directory)["pid"]), "SIGTERM");
      await ended(directory);
      expect(statusOf(directory)).toMatchObject({ exit: "143", restarts: "0" });
    });

    test("do not follow a start that failed", async () => {
      const directory = temporaryDirectory();
      const steps: Plan = [{ kind: "exec", argv: ["/no/such/program"] }];
      const start = startDetached(path, plan(directory, steps, { restart: restartPolicies.always }));
      await expect(start).rejects.toMatchObject({ code: "EXEC_NOT_FOUND" });
      expect(statusOf(directory)).toMatchObject({ state: "exited", restarts: "0" });
    });
  });
});

interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function finished(child: ChildProcess): Promise<Finished> {
  const output = { stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk: Buffer) => (output.stdout += chunk.toString("latin1")));
  child.stderr?.on("data", (chunk: Buffer) => (output.stderr += chunk.toString("latin1")));
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { status, ...output };
}
